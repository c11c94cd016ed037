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

struct install {
  std::string name;                 ///< as jobs ask for it
  std::filesystem::path executable; ///< absolute
  std::string version;              ///< "Blender 3.4.1"
};

/// The one of this name; the first when it is empty; null when there is none such.
[[nodiscard]] inline const install* find_install(const std::vector<install>& among, std::string_view name) {
  const auto found = name.empty() ? among.begin() : std::ranges::find(among, name, &install::name);
  return found == among.end() ? nullptr : &*found;
}

} // namespace kiln::blender
