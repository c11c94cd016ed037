// SPDX-License-Identifier: Apache-2.0
#include "api/job_json.hpp"

#include "api/strict_json.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace kiln::api {
namespace {

namespace json = boost::json;

result<int> frame_member(const json::object& body, const char* name) {
  const auto* value = body.if_contains(name);
  if (!value)
    return error{errc::invalid_input, fmt::format("\"{}\" is missing", name)};
  const auto* number = value->if_int64();
  if (!number && !value->is_uint64() && !value->is_double())
    return error{errc::invalid_input, fmt::format("\"{}\" must be a whole number, not {}", name,
                                                  std::string_view{json::to_string(value->kind())})};
  if (value->is_double())
    return error{errc::invalid_input, fmt::format("\"{}\" must be a whole number", name)};
  if (!number || *number < domain::min_frame || *number > domain::max_frame)
    return error{errc::invalid_input, fmt::format("\"{}\" must lie between {} and {}", name,
                                                  domain::min_frame, domain::max_frame)};
  return static_cast<int>(*number);
}

} // namespace

result<domain::frame_set> parse_frame_range(std::string_view body) {
  const auto value = parse_strict_json(body);
  if (!value)
    return value.error();
  const auto* members = value->if_object();
  if (!members)
    return error{errc::invalid_input, "the body must be a JSON object such as {\"from\":1,\"to\":10}"};
  const auto from = frame_member(*members, "from");
  if (!from)
    return from.error();
  const auto to = frame_member(*members, "to");
  if (!to)
    return to.error();
  if (*from > *to)
    return error{errc::invalid_input, fmt::format("\"from\" ({}) is after \"to\" ({})", *from, *to)};
  return domain::frame_set::range(*from, *to);
}

std::string format_accepted(std::optional<pid_t> pid, const job_id& id, domain::job_state state) {
  json::object body;
  body["pid"] = pid ? json::value(*pid) : json::value(nullptr);
  body["id"] = id.str();
  body["state"] = std::string{domain::to_string(state)};
  return json::serialize(body);
}

} // namespace kiln::api
