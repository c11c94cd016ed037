// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace kiln {

/// The number that the whole text is, in decimal digits alone: no sign, no blanks; zeros in front count for
/// nothing. nullopt for any other text, for a number that does not fit, and for one that is not within
/// `least` to `most`.
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
