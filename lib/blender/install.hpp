// SPDX-License-Identifier: Apache-2.0
//
// A Blender that is there to render with, and the names of several.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::blender {

/// What the one is called that nobody gave a name to.
inline constexpr std::string_view unnamed_install = "default";

/// What a job says that leaves the choice to kilnd; no install has this name.
inline constexpr std::string_view any_install = "auto";

struct install {
  std::string name;                 ///< as jobs ask for it
  std::filesystem::path executable; ///< absolute
  std::string version;              ///< "Blender 3.4.1"; empty while it is not known
  std::string wrong = {};           ///< why nothing can be rendered with it now; empty: nothing is wrong

  // Of a Blender on this machine that was probed; empty otherwise.
  std::filesystem::path program = {};             ///< is started: binary if executable is a link to it
  std::filesystem::path binary = {};              ///< Blender itself, where executable is a script
  bool runs_python = false;                       ///< and says where its files are
  std::vector<std::filesystem::path> places = {}; ///< files and directories that it needs, to read
  std::vector<std::string> remarks = {}; ///< on what works differently with it, each a line for people
  std::string identity = {};             ///< changes when the files of executable or binary do

  /// The executable starts Blender, which is another file.
  [[nodiscard]] bool is_launcher() const { return !binary.empty() && program != binary; }
};

/// The one of this name; the first when it is empty; null when there is none such.
[[nodiscard]] inline const install* find_install(const std::vector<install>& among, std::string_view name) {
  const auto found = name.empty() ? among.begin() : std::ranges::find(among, name, &install::name);
  return found == among.end() ? nullptr : &*found;
}

} // namespace kiln::blender
