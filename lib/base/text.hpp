// SPDX-License-Identifier: Apache-2.0
//
// Views of text.
#pragma once

#include <string_view>

namespace kiln {

/// `text` without the characters of `blanks` at both ends; by default the optional whitespace of HTTP
/// (RFC 9110, 5.6.3).
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text,
                                                 std::string_view blanks = " \t") noexcept {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

} // namespace kiln
