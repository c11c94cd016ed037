// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace kiln::blender {

/// The text after the first `mark` in a line; nullopt if there is none.
[[nodiscard]] inline std::optional<std::string_view> behind(std::string_view line, std::string_view mark) {
  const auto at = line.find(mark);
  if (at == std::string_view::npos)
    return std::nullopt;
  return line.substr(at + mark.size());
}

} // namespace kiln::blender
