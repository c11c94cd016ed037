// SPDX-License-Identifier: Apache-2.0
//
// When tokens expire: points in time as RFC 3339 writes them, in UTC, to the second. Pure: the time is given.
#pragma once

#include "base/error.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::access {

using date = std::chrono::sys_seconds;

/// Nothing: it never does. At that time it already has.
[[nodiscard]] inline bool has_expired(const std::optional<date>& expires, date now) noexcept {
  return expires && *expires <= now;
}

/// "2026-11-24T20:16:22Z", and nothing else: no other zone, no fractions, no day that does not exist.
[[nodiscard]] std::optional<date> parse_date(std::string_view text) noexcept;
[[nodiscard]] std::string format_date(date d);

/// A date, or a time from `now` on: "30d", "12h" or "45m". invalid_input, saying why, for what is neither,
/// for what is not later than `now`, and for more than 100 years.
[[nodiscard]] result<date> parse_expiry(std::string_view text, date now);

} // namespace kiln::access
