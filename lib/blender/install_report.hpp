// SPDX-License-Identifier: Apache-2.0
//
// The report of a Blender about itself, by kiln_install.py: pure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::blender {

/// As seen by that process, whose file system and PID namespace may differ from kilnd's.
struct install_report {
  std::string version;          ///< "4.2.1 LTS"
  std::filesystem::path binary; ///< the executable, links followed
  std::uint64_t device = 0;     ///< of the executable (stat(2))
  std::uint64_t inode = 0;
  std::int64_t pid = 0;
  std::int64_t group = 0;          ///< its process group; 0: its leader is outside of its PID namespace
  std::filesystem::path directory; ///< its working directory
  std::filesystem::path temp;      ///< TMPDIR
  std::vector<std::filesystem::path> places; ///< absolute: its libraries, scripts, data and Python
};

/// The report in Blender's output, or nullopt. Unknown members are ignored.
[[nodiscard]] std::optional<install_report> find_install_report(std::string_view printed);

} // namespace kiln::blender
