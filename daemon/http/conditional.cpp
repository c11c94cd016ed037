// SPDX-License-Identifier: Apache-2.0
#include "http/conditional.hpp"

#include "base/number.hpp"
#include "base/text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace kiln::http {
namespace {

using std::string_view;

string_view without_weakness(string_view etag) noexcept {
  return etag.starts_with("W/") ? etag.substr(2) : etag;
}

/// Whether there is no If-Range, or it matches by strong comparison (RFC 9110, 13.1.5).
bool still_holds(const request& asked, const validators& now) {
  const auto given = asked.find("If-Range");
  if (!given)
    return true;
  const auto text = trimmed(*given);
  if (text.starts_with('"'))
    return text == now.etag;
  return now.modified && parse_http_date(text) == now.modified;
}

/// The n-th of a list of entity tags, which may contain commas inside their quotes.
string_view take_etag(string_view& list) noexcept {
  list = list.substr(std::min(list.find_first_not_of(" \t,"), list.size()));
  const auto open = list.find('"');
  const auto close = open == string_view::npos ? open : list.find('"', open + 1);
  const auto end = close == string_view::npos ? list.size() : close + 1;
  const auto first = list.substr(0, end);
  list.remove_prefix(end);
  return first;
}

} // namespace

bool names_etag(string_view if_none_match, string_view etag) {
  if (trimmed(if_none_match) == "*")
    return true;
  for (auto rest = if_none_match; !rest.empty();)
    if (without_weakness(trimmed(take_etag(rest))) == without_weakness(etag))
      return true;
  return false;
}

bool is_not_modified(const request& asked, const validators& now) {
  if (const auto given = asked.find("If-None-Match"))
    return names_etag(*given, now.etag);
  if (const auto given = asked.find("If-Modified-Since"); given && now.modified) {
    const auto since = parse_http_date(*given);
    return since && *now.modified <= *since;
  }
  return false;
}

range_choice choose_range(const request& asked, const validators& now, std::uint64_t size) {
  const auto given = asked.find("Range");
  if (!given || !still_holds(asked, now))
    return {};
  constexpr string_view unit = "bytes=";
  auto text = trimmed(*given);
  if (text.size() < unit.size() || !equals_ignoring_case(text.substr(0, unit.size()), unit))
    return {};
  text = trimmed(text.substr(unit.size()));
  const auto dash = text.find('-');
  if (dash == string_view::npos || text.find(',') != string_view::npos)
    return {};
  const auto first = parse_number<std::uint64_t>(text.substr(0, dash));
  const auto last = parse_number<std::uint64_t>(text.substr(dash + 1));
  if (dash == 0) { // a number of bytes at the end
    if (!last)
      return {};
    if (*last == 0 || size == 0)
      return {range_kind::unsatisfiable};
    const auto length = std::min(*last, size);
    return {range_kind::part, {size - length, length}};
  }
  const bool is_open = dash + 1 == text.size();
  if (!first || (!is_open && (!last || *last < *first)))
    return {};
  if (*first >= size)
    return {range_kind::unsatisfiable};
  const auto end = is_open ? size : std::min(*last, size - 1) + 1;
  return {range_kind::part, {*first, end - *first}};
}

std::string format_http_date(std::chrono::sys_seconds t) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT",
                     fmt::gmtime(static_cast<std::time_t>(t.time_since_epoch().count())));
}

std::optional<std::chrono::sys_seconds> parse_http_date(string_view text) {
  constexpr std::array forms{"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                             "%a %b %e %H:%M:%S %Y"};
  const std::string whole{trimmed(text)};
  for (const char* form : forms) {
    std::tm parts{};
    const char* end = ::strptime(whole.c_str(), form, &parts);
    if (end == whole.c_str() + whole.size() && end != nullptr)
      return std::chrono::sys_seconds{std::chrono::seconds{::timegm(&parts)}};
  }
  return std::nullopt;
}

std::optional<byte_range> select(const request& asked, const validators& now, std::uint64_t size,
                                 response& head) {
  head.fields.emplace_back("ETag", now.etag);
  if (now.modified)
    head.fields.emplace_back("Last-Modified", format_http_date(*now.modified));
  head.fields.emplace_back("Accept-Ranges", "bytes");
  if (is_not_modified(asked, now)) {
    head.status = 304;
    head.content_type.clear();
    return std::nullopt;
  }
  const auto chosen = choose_range(asked, now, size);
  if (chosen.kind == range_kind::unsatisfiable) {
    head.status = 416;
    head.fields.emplace_back("Content-Range", fmt::format("bytes */{}", size));
    return std::nullopt;
  }
  if (chosen.kind == range_kind::whole)
    return byte_range{0, size};
  head.status = 206;
  const auto& part = chosen.part;
  head.fields.emplace_back("Content-Range",
                           fmt::format("bytes {}-{}/{}", part.offset, part.offset + part.length - 1, size));
  return part;
}

} // namespace kiln::http
