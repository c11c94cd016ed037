// SPDX-License-Identifier: Apache-2.0
#include "api/statistics.hpp"

#include "api/answers.hpp"
#include "api/query.hpp"
#include "base/number.hpp"
#include "store/clock.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace kiln::api {
namespace {

namespace json = boost::json;

constexpr std::int64_t usual_days = 30, most_days = 366;
constexpr std::array ends{domain::job_state::succeeded, domain::job_state::failed,
                          domain::job_state::canceled};

/// "2026-11-24", from the year 1970 on, as days since then.
std::optional<std::int64_t> parse_day(std::string_view text) {
  constexpr std::size_t year_at = 0, month_at = 5, day_at = 8, length = 10;
  if (text.size() != length || text[month_at - 1] != '-' || text[day_at - 1] != '-')
    return std::nullopt;
  const auto year = parse_number<int>(text.substr(year_at, 4), 1970, 9999);
  const auto digits = [text](std::size_t at) {
    return text[at] == '0' ? parse_number<unsigned>(text.substr(at + 1, 1))
                           : parse_number<unsigned>(text.substr(at, 2));
  };
  const auto month = digits(month_at), day = digits(day_at);
  if (!year || !month || !day)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{*month},
                                         std::chrono::day{*day}};
  if (!date.ok())
    return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count();
}

std::string format_day(std::int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

result<store::statistics_wish> parse_statistics_query(std::string_view query) {
  constexpr std::array<std::string_view, 4> known{"from", "to", "by", "owner"};
  const auto given = parse_parameters(query, known);
  if (!given)
    return given.error();
  const auto wrong = [](std::string why) { return error{errc::invalid_input, std::move(why)}; };
  const auto today = std::chrono::floor<std::chrono::days>(store::now()).time_since_epoch().count();
  store::statistics_wish wish{.from_day = today - usual_days + 1, .to_day = today};
  std::optional<std::int64_t> from, to;
  for (const auto& [name, value] : *given) {
    if (name == "owner") {
      wish.owner = value;
    } else if (name == "by") {
      wish.is_by_owner = value == "owner";
      if (!wish.is_by_owner && value != "day")
        return wrong("by must be day or owner");
    } else if (auto& day = name == "from" ? from : to; !(day = parse_day(value))) {
      return wrong(fmt::format("{} must be a day such as 2026-11-24", name));
    }
  }
  wish.to_day = to.value_or(from ? std::min(*from + usual_days - 1, std::max(today, *from)) : today);
  wish.from_day = from.value_or(std::max<std::int64_t>(wish.to_day - usual_days + 1, 0));
  if (wish.from_day > wish.to_day || wish.to_day - wish.from_day >= most_days)
    return wrong(fmt::format("from must lie before to, and at most {} days", most_days));
  return wish;
}

json::object format_row(const store::statistics_row& row, bool is_by_owner) {
  json::object jobs;
  for (const auto state : ends) {
    const auto found = row.jobs.find(state);
    jobs[domain::to_string(state)] = found == row.jobs.end() ? 0 : found->second;
  }
  json::object out;
  if (!is_by_owner)
    out["day"] = format_day(row.day);
  else
    out["owner"] = row.owner.empty() ? json::value(nullptr) : json::value(row.owner);
  out["jobs"] = std::move(jobs);
  out["frames"] = row.frames;
  out["render_seconds"] = std::round(row.render_seconds * 1000) / 1000;
  return out;
}

} // namespace

void statistics::add_routes(http::service& to) {
  to.on("GET", "/v1/statistics", access::role::read,
        [this](const http::request& asked) { return sum_up(asked); });
}

aio::task<http::answer> statistics::sum_up(const http::request& asked) {
  auto wish = parse_statistics_query(asked.query);
  if (!wish)
    co_return problem(400, wish.error().message);
  const auto [from, to, is_by_owner] = std::tuple{wish->from_day, wish->to_day, wish->is_by_owner};
  const auto found = co_await store_.sum_up(std::move(*wish));
  if (!found)
    co_return refusal_of(found.error());
  json::array listed;
  for (const auto& row : *found)
    listed.push_back(format_row(row, is_by_owner));
  co_return json_answer(
      200, json::object{{"from", format_day(from)}, {"to", format_day(to)}, {"rows", std::move(listed)}});
}

} // namespace kiln::api
