// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace kiln {

/// Parses the whole text as a number of decimal digits: no sign, no blanks; leading zeros are ignored.
/// nullopt for any other text, for a number that does not fit, and for one outside `least` to `most`.
template<std::integral Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text, Number least = 0,
                                                 Number most = std::numeric_limits<Number>::max()) noexcept {
  Number value = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, wrong] = std::from_chars(text.data(), end, value);
  if (wrong != std::errc{} || rest != end || text.front() == '-' || value < least || value > most)
    return std::nullopt;
  return value;
}

} // namespace kiln
