// SPDX-License-Identifier: Apache-2.0
//
// Opens a file below a directory so that no link can lead outside. Blocks: for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <filesystem>

namespace kiln::blends {

enum class walk {
  by_kernel, ///< openat2(2); like by_steps if the kernel is older than 5.6 or forbids it
  by_steps   ///< directory by directory
};

/// `path`: of a regular file below `root`; both absolute, without links or dots, as returned by canonical().
/// A component that is now a link is refused, wherever it leads. So is anything but a regular file, without
/// opening it: a device is not affected. Errors: invalid_input, or the system's.
[[nodiscard]] result<aio::unique_descriptor> open_beneath(const std::filesystem::path& root,
                                                          const std::filesystem::path& path,
                                                          walk how = walk::by_kernel);

} // namespace kiln::blends
