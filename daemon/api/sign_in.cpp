// SPDX-License-Identifier: Apache-2.0
#include "api/sign_in.hpp"

#include "access/clock.hpp"
#include "api/answers.hpp"
#include "api/media_type.hpp"
#include "api/strict_json.hpp"

#include <boost/json/object.hpp>

#include <string>

namespace kiln::api {
namespace {

namespace json = boost::json;
using access::role;
using http::answer;

/// The token in the body.
result<std::string> parse_token(std::string_view body) {
  const auto value = parse_strict_json(body);
  if (!value)
    return value.error();
  const auto* members = value->if_object();
  const auto* token = members && members->size() == 1 ? members->if_contains("token") : nullptr;
  if (!token || !token->is_string())
    return error{errc::invalid_input, R"(the body must be a JSON object: {"token":"kiln_..."})"};
  return std::string{std::string_view{token->get_string()}};
}

json::object format_session(const access::principal& by, std::optional<access::date> ends) {
  json::object out;
  out["name"] = by.name.empty() ? json::value(nullptr) : json::value(by.name);
  out["role"] = to_string(by.rank);
  out["expires_at"] = ends ? json::value(access::format_date(*ends)) : json::value(nullptr);
  return out;
}

} // namespace

void sign_in::add_routes(http::service& to) {
  using http::request;
  to.on("POST", "/v1/session", role::none, [this](const request& asked) { return begin(asked); });
  to.on("GET", "/v1/session", role::read, [this](const request& asked) { return show(asked); });
  to.on("DELETE", "/v1/session", role::none, [this](const request& asked) { return end(asked); });
}

answer sign_in::begin(const http::request& asked) {
  if (!is_json(asked.find("Content-Type")))
    return not_json();
  const auto token = parse_token(asked.body);
  if (!token)
    return problem_of(token.error());
  if (!doors_.has_tokens())
    return problem(409, "kilnd has no tokens: everybody may ask without a session");
  auto holder = asked;
  if (auto refused = service_.admit_token(holder, *token))
    return std::move(*refused);
  const auto cookie = service_.cookie_of(asked);
  if (const auto old = cookie.find(asked.fields))
    doors_.end_session(*old);
  const auto made = doors_.begin_session(*token, access::today());
  auto given = json_answer(200, format_session(*holder.by, made.ends));
  given.fields.emplace_back("Set-Cookie", cookie.set(made.secret));
  return given;
}

answer sign_in::show(const http::request& asked) {
  const auto secret =
      asked.find("Authorization") ? std::nullopt : service_.cookie_of(asked).find(asked.fields);
  const auto ends = secret ? doors_.session_end(*secret, access::today()) : std::nullopt;
  return json_answer(200, format_session(*asked.by, ends));
}

answer sign_in::end(const http::request& asked) {
  const auto cookie = service_.cookie_of(asked);
  if (const auto secret = cookie.find(asked.fields))
    doors_.end_session(*secret);
  http::response given{.status = 204, .content_type = {}, .body = {}};
  given.fields.emplace_back("Set-Cookie", cookie.remove());
  return given;
}

} // namespace kiln::api
