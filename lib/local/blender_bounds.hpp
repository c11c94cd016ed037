// SPDX-License-Identifier: Apache-2.0
//
// What one Blender may take of this machine.
#pragma once

#include "domain/failure.hpp"
#include "process/control_group.hpp"
#include "process/process_table.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace kiln::local {

/// Of a Blender with the processes that it has started. 0: no bound.
struct blender_bounds {
  std::uintmax_t memory = 0; ///< bytes in RAM
  std::size_t processes = 0;
  std::uintmax_t disk = 0; ///< bytes on disk, of all files in its directory
  std::size_t files = 0;   ///< and directories in its directory

  [[nodiscard]] bool of_processes() const noexcept { return memory > 0 || processes > 0; }
  [[nodiscard]] bool of_files() const noexcept { return disk > 0 || files > 0; }
};

/// The bound that its processes exceed, as a failure.
[[nodiscard]] std::optional<domain::failure> excess_of(const process::group_use& use,
                                                       const process::group_refusals& refused,
                                                       const blender_bounds& bounds);

/// The same for the files below `directory`. Files that were removed but are still open do not count. Follows
/// no link, and visits at most one file more than it may have. Blocks: for the pool.
[[nodiscard]] std::optional<domain::failure> excess_of_files(const std::filesystem::path& directory,
                                                             const blender_bounds& bounds);

} // namespace kiln::local
