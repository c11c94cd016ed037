// SPDX-License-Identifier: Apache-2.0
#include "api/query.hpp"

#include "base/number.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace kiln::api {
namespace {

constexpr std::size_t usual_page = 100, largest_page = 1000;

} // namespace

result<std::map<std::string, std::string>> parse_parameters(std::string_view query,
                                                            std::span<const std::string_view> known) {
  std::map<std::string, std::string> found;
  if (query.empty())
    return found;
  // Parsed as part of a target: parse_query() of Boost.URL 1.81 reads past the end of its argument.
  const auto target = fmt::format("/?{}", query);
  const auto parsed = boost::urls::parse_origin_form(target);
  if (!parsed)
    return error{errc::invalid_input, "the query is not written as RFC 3986 asks"};
  for (const boost::urls::param& parameter : parsed->params()) {
    if (std::ranges::find(known, std::string_view{parameter.key}) == known.end())
      return error{errc::invalid_input, fmt::format("there is no parameter \"{}\": {} are known",
                                                    parameter.key.substr(0, 40), fmt::join(known, ", "))};
    if (!found.emplace(parameter.key, parameter.value).second)
      return error{errc::invalid_input, fmt::format("the parameter \"{}\" is given twice", parameter.key)};
  }
  return found;
}

result<std::size_t> parse_limit(const std::map<std::string, std::string>& parameters) {
  const auto given = parameters.find("limit");
  if (given == parameters.end())
    return usual_page;
  const auto limit = parse_number<std::size_t>(given->second, 1, largest_page);
  if (!limit)
    return error{errc::invalid_input, fmt::format("limit must lie between 1 and {}", largest_page)};
  return *limit;
}

std::optional<int> parse_frame(std::string_view text) {
  const auto frame = parse_number<int>(text);
  return frame && std::to_string(*frame) == text ? frame : std::nullopt;
}

std::string next_page(std::string_view path, std::string_view query, std::string_view cursor) {
  std::string rest;
  for (std::size_t at = 0; at < query.size();) {
    const auto end = std::min(query.find('&', at), query.size());
    const auto parameter = query.substr(at, end - at);
    at = end + 1;
    if (!parameter.starts_with("cursor="))
      rest += fmt::format("{}&", parameter);
  }
  return fmt::format("<{}?{}cursor={}>; rel=\"next\"", path, rest, cursor);
}

} // namespace kiln::api
