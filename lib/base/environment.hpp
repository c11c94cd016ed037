// SPDX-License-Identifier: Apache-2.0
//
// An environment as a list of "KEY=VALUE" (environ(7)).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

/// The value of a variable; nullopt if it is not set.
[[nodiscard]] inline std::optional<std::string_view> value_of(const std::vector<std::string>& environment,
                                                              std::string_view name) {
  for (const std::string_view variable : environment)
    if (variable.starts_with(name) && variable.substr(name.size()).starts_with('='))
      return variable.substr(name.size() + 1);
  return std::nullopt;
}

} // namespace kiln
