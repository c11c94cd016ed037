// SPDX-License-Identifier: Apache-2.0
//
// An installed Blender, and a list of several by name.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::blender {

/// The name of an install without a configured name.
inline constexpr std::string_view unnamed_install = "default";

/// The name with which a job leaves the choice to kilnd; no install has this name.
inline constexpr std::string_view any_install = "auto";

struct install {
  std::string name;                 ///< the name used by jobs
  std::filesystem::path executable; ///< absolute
  std::string version;              ///< "Blender 3.4.1"; empty until known
  std::string wrong = {};           ///< why it cannot render now; empty: nothing is wrong

  // For a probed Blender on this machine; otherwise empty.
  std::filesystem::path program = {};             ///< the file to start: binary if executable is a link to it
  std::filesystem::path binary = {};              ///< Blender itself, if executable is a script
  bool runs_python = false;                       ///< it runs Python and reports where its files are
  std::vector<std::filesystem::path> places = {}; ///< files and directories it needs to read
  std::vector<std::string> remarks = {};          ///< on differences in its behaviour, each a line for people
  std::string identity = {};                      ///< changes with the files of executable or binary

  /// Whether the executable starts Blender, which is another file.
  [[nodiscard]] bool is_launcher() const { return !binary.empty() && program != binary; }
};

/// The install of this name; the first if it is empty; null if there is none.
[[nodiscard]] inline const install* find_install(const std::vector<install>& among, std::string_view name) {
  const auto found = name.empty() ? among.begin() : std::ranges::find(among, name, &install::name);
  return found == among.end() ? nullptr : &*found;
}

} // namespace kiln::blender
