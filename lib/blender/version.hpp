// SPDX-License-Identifier: Apache-2.0
//
// Blender's version: found in its output, and as comparable numbers. Pure.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::blender {

/// "Blender 4.2.1 LTS" is {4, 2, 1}.
struct version {
  int major = 0;
  int minor = 0;
  int patch = 0;

  friend auto operator<=>(const version&, const version&) = default;
};

/// The numbers of "Blender 4.2.1 LTS" or "4.2.1 LTS", also with other suffixes: "Alpha", "Beta", "Release
/// Candidate", "(sub 3)", which is the patch of a version before 2.83. Nullopt if the text does not begin
/// with MAJOR.MINOR, or if a number has more than four digits.
[[nodiscard]] std::optional<version> parse_version(std::string_view text);

/// The first line of `printed` that is "Blender " and a version, without surrounding spaces. Lines of drivers
/// and libraries can precede it, and in Blender 5.x a time and a category in the same line.
[[nodiscard]] std::optional<std::string> find_version(std::string_view printed);

} // namespace kiln::blender
