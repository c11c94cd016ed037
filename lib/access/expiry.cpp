// SPDX-License-Identifier: Apache-2.0
#include "access/expiry.hpp"

#include "base/number.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace kiln::access {
namespace {

using namespace std::chrono;

constexpr days longest{36'500};

/// The number in `count` characters from `begin` on, which are known to be digits.
int number_at(std::string_view text, std::size_t begin, std::size_t count) noexcept {
  return parse_number<int>(text.substr(begin, count)).value_or(-1);
}

std::optional<seconds> parse_span(std::string_view text) noexcept {
  if (text.empty())
    return std::nullopt;
  const auto count =
      parse_number<std::int64_t>(text.substr(0, text.size() - 1), 1, 60 * 24 * longest.count());
  if (!count)
    return std::nullopt;
  switch (text.back()) {
  case 'd':
    return days{*count};
  case 'h':
    return hours{*count};
  case 'm':
    return minutes{*count};
  default:
    return std::nullopt;
  }
}

} // namespace

std::optional<date> parse_date(std::string_view text) noexcept {
  constexpr std::string_view shape = "0000-00-00T00:00:00Z";
  if (!std::ranges::equal(text, shape,
                          [](char c, char s) { return s == '0' ? c >= '0' && c <= '9' : c == s; }))
    return std::nullopt;
  const year_month_day day{year{number_at(text, 0, 4)}, month{static_cast<unsigned>(number_at(text, 5, 2))},
                           std::chrono::day{static_cast<unsigned>(number_at(text, 8, 2))}};
  const auto h = number_at(text, 11, 2), m = number_at(text, 14, 2), s = number_at(text, 17, 2);
  if (!day.ok() || h > 23 || m > 59 || s > 59)
    return std::nullopt;
  return sys_days{day} + hours{h} + minutes{m} + seconds{s};
}

std::string format_date(date d) {
  // Not of `d` itself, which would be converted to nanoseconds: these do not reach the year 9999.
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(static_cast<std::time_t>(d.time_since_epoch().count())));
}

result<date> parse_expiry(std::string_view text, date now) {
  auto until = parse_date(text);
  if (const auto span = parse_span(text))
    until = now + *span;
  if (!until)
    return error{errc::invalid_input,
                 fmt::format("\"{}\" is neither a time such as 2026-12-31T18:00:00Z (UTC) nor a number of "
                             "days, hours or minutes such as 30d, 12h or 45m",
                             text)};
  if (*until <= now)
    return error{errc::invalid_input, fmt::format("{} is over already", format_date(*until))};
  if (*until - now > longest)
    return error{errc::invalid_input,
                 fmt::format("{} is more than 100 years away: leave --expires out for a token that does not "
                             "expire",
                             text)};
  return *until;
}

} // namespace kiln::access
