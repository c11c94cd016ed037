// SPDX-License-Identifier: Apache-2.0
//
// Expiry times of tokens: points in time in the notation of RFC 3339, in UTC, to the second. Pure: the time
// is passed in.
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::access {

using date = std::chrono::sys_seconds;

/// Whether `expires` is reached: at exactly that time the token has expired. nullopt: it never expires.
[[nodiscard]] inline bool has_expired(const std::optional<date>& expires, date now) noexcept {
  return expires && *expires <= now;
}

/// Parses "2026-11-24T20:16:22Z". nullopt for any other notation (time zones, fractions of a second) and for
/// days that do not exist.
[[nodiscard]] std::optional<date> parse_date(std::string_view text) noexcept;
[[nodiscard]] std::string format_date(date d);

/// Parses a date, or a time span from `now`: "30d", "12h" or "45m". invalid_input, with the reason, if the
/// text is neither, if the result is not later than `now`, or if it is more than 100 years later.
[[nodiscard]] result<date> parse_expiry(std::string_view text, date now);

} // namespace kiln::access
