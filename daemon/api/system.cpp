// SPDX-License-Identifier: Apache-2.0
#include "api/system.hpp"

#include "api/problem.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace kiln::api {
namespace {

using access::role;
using http::answer;
using http::response;

constexpr std::string_view fine_text = R"({"status":"ok"})";
constexpr int retry_seconds = 5; // for a person, or a supervisor, to put it right

response fine(std::string body) {
  return {.status = 200, .content_type = "application/json; charset=utf-8", .body = std::move(body)};
}

/// `is_stranger`: may know that something is wrong, not what.
aio::task<answer> read_readiness(boost::json::object ready, readiness_check known, readiness_look look,
                                 bool is_stranger) {
  auto wrong = known();
  if (!wrong) {
    auto found = co_await look();
    wrong = std::move(found.wrong);
    if (!found.warnings.empty())
      ready["warnings"] = boost::json::array(found.warnings.begin(), found.warnings.end());
  }
  if (!wrong)
    co_return fine(is_stranger ? std::string{fine_text} : boost::json::serialize(ready));
  if (is_stranger)
    wrong = "kilnd cannot render now; who shows a token is told why";
  auto [type, body] = format_problem(503, *wrong, "/readyz");
  const answer not_ready{response{.status = 503, .content_type = std::string{type}, .body = std::move(body)},
                         retry_seconds};
  co_return not_ready;
}

} // namespace

void add_system_routes(http::service& to, std::string_view sandbox, readiness_check known,
                       readiness_look look) {
  const auto alive = std::make_shared<const http::prebuilt>(fine(std::string{fine_text}));
  boost::json::object ready;
  ready["status"] = "ok";
  ready["sandbox"] = sandbox;
  to.on("GET", "/livez", role::none, [alive](const http::request&) -> http::reply { return alive; });
  for (const char* path : {"/readyz", "/healthz"})
    to.on("GET", path, role::none, [ready, known, look](const http::request& asked) {
      return read_readiness(ready, known, look, asked.by == nullptr);
    });
}

} // namespace kiln::api
