// SPDX-License-Identifier: Apache-2.0
//
// Opens a file below a directory so that no link can lead it out. Blocks: for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <filesystem>

namespace kiln::blends {

enum class walk {
  by_kernel, ///< openat2(2), and what by_steps does where the kernel is older than 5.6, or must not
  by_steps   ///< directory by directory
};

/// `path`: of a regular file, absolute and without links or dots, as canonical() gives it; below `root`,
/// which is such a path of a directory. What is a link now is refused, wherever it leads, and so is what is
/// no regular file, unopened: a device does not notice. Errors: invalid_input, or the system's.
[[nodiscard]] result<aio::unique_descriptor> open_beneath(const std::filesystem::path& root,
                                                          const std::filesystem::path& path,
                                                          walk how = walk::by_kernel);

} // namespace kiln::blends
