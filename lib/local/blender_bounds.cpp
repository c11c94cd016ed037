// SPDX-License-Identifier: Apache-2.0
#include "local/blender_bounds.hpp"

#include <fmt/format.h>

#include <system_error>

#include <sys/stat.h>

namespace kiln::local {
namespace {

namespace fs = std::filesystem;
using domain::failure_kind;

constexpr unsigned to_mebibytes = 20;
constexpr std::uintmax_t bytes_of_a_block = 512; // of st_blocks, whatever the file system

} // namespace

std::optional<domain::failure> excess_of(const process::group_use& use,
                                         const process::group_refusals& refused,
                                         const blender_bounds& bounds) {
  if (refused.killed_for_memory > 0)
    return domain::failure{.kind = failure_kind::out_of_memory,
                           .message = fmt::format("the kernel has killed Blender, which took more memory "
                                                  "than it may: blender_memory allows {} MiB",
                                                  bounds.memory >> to_mebibytes)};
  if (refused.tasks > 0)
    return domain::failure{.kind = failure_kind::killed,
                           .message = fmt::format("Blender has tried to start many more processes than it "
                                                  "may: blender_processes allows {}",
                                                  bounds.processes)};
  if (bounds.memory > 0 && use.memory > bounds.memory)
    return domain::failure{
        .kind = failure_kind::out_of_memory,
        .message =
            fmt::format("Blender took more memory than it may: {} MiB, and blender_memory allows {} MiB",
                        use.memory >> to_mebibytes, bounds.memory >> to_mebibytes)};
  if (bounds.processes > 0 && use.processes > bounds.processes)
    return domain::failure{
        .kind = failure_kind::killed,
        .message = fmt::format("Blender had more processes than it may: {}, and blender_processes allows {}",
                               use.processes, bounds.processes)};
  return std::nullopt;
}

std::optional<domain::failure> excess_of_files(const fs::path& directory, const blender_bounds& bounds) {
  if (!bounds.of_files())
    return std::nullopt;
  std::uintmax_t bytes = 0;
  std::size_t files = 0;
  std::error_code ec;
  fs::recursive_directory_iterator entry{directory, fs::directory_options::skip_permission_denied, ec};
  for (const fs::recursive_directory_iterator end; !ec && entry != end; entry.increment(ec)) {
    ++files;
    if (bounds.files > 0 && files > bounds.files)
      return domain::failure{
          .kind = failure_kind::killed,
          .message =
              fmt::format("Blender has made more files than it may: blender_files allows {}", bounds.files)};
    struct stat facts {};
    if (bounds.disk > 0 && ::lstat(entry->path().c_str(), &facts) == 0) // else it has gone meanwhile
      bytes += static_cast<std::uintmax_t>(facts.st_blocks) * bytes_of_a_block;
    if (bounds.disk > 0 && bytes > bounds.disk)
      return domain::failure{
          .kind = failure_kind::killed,
          .message = fmt::format("Blender took more of the disk than it may: blender_disk allows {} MiB",
                                 bounds.disk >> to_mebibytes)};
  }
  return std::nullopt;
}

} // namespace kiln::local
