// SPDX-License-Identifier: Apache-2.0
#include "api/health.hpp"

#include "api/problem.hpp"
#include "base/scope_exit.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <utility>

namespace kiln::api {
namespace {

using access::role;
using http::answer;
using http::response;

constexpr std::string_view fine_text = R"({"status":"ok"})";
constexpr int retry_seconds = 5; // time for an operator or a supervisor to solve it

response fine(std::string body) {
  return {.status = 200, .content_type = "application/json; charset=utf-8", .body = std::move(body)};
}

readiness wrong_with(std::string why) {
  return {.wrong = std::move(why), .warnings = {}};
}

} // namespace

health::health(aio::executor_type loop, check known, look at_machine,
               aio::task_group::failure_handler on_failure, std::chrono::milliseconds patience)
    : loop_(loop), known_(std::move(known)), look_(std::move(at_machine)), patience_(patience),
      looks_(loop, std::move(on_failure)) {}

void health::add_routes(http::service& to, std::string_view sandbox) {
  const auto alive = std::make_shared<const http::prebuilt>(fine(std::string{fine_text}));
  to.on("GET", "/livez", role::none, [alive](const http::request&) -> http::reply { return alive; });
  for (const char* path : {"/readyz", "/healthz"})
    to.on("GET", path, role::none, [this, sandbox = std::string{sandbox}](const http::request& asked) {
      return answer_readiness(sandbox, asked.by == nullptr);
    });
}

aio::task<> health::look_once() {
  const scope_exit end{[this] { // also if the check throws
    is_looking_ = false;
    waiting_.wake_all();
  }};
  last_ = wrong_with("kilnd cannot look at this machine: its log says why");
  last_ = co_await look_();
}

aio::task<readiness> health::now() {
  if (auto wrong = known_())
    co_return wrong_with(std::move(*wrong));
  if (!is_looking_) {
    is_looking_ = true;
    looks_.spawn(look_once());
  }
  const auto until = aio::clock::now() + patience_;
  aio::sleeper ended{loop_, waiting_};
  while (is_looking_ && aio::clock::now() < until)
    co_await ended.wait(until);
  if (!is_looking_)
    co_return last_;
  co_return wrong_with(
      fmt::format("a look at the files of this machine takes more than {} s: does the storage "
                  "of the output, the state and Blender answer?",
                  static_cast<double>(patience_.count()) / 1000));
}

/// `is_stranger`: the client may learn that there is a problem, but not which.
aio::task<answer> health::answer_readiness(std::string sandbox, bool is_stranger) {
  auto [wrong, warnings] = co_await now();
  if (!wrong && is_stranger)
    co_return fine(std::string{fine_text});
  if (!wrong) {
    boost::json::object ready;
    ready["status"] = "ok";
    ready["sandbox"] = sandbox;
    if (!warnings.empty())
      ready["warnings"] = boost::json::array(warnings.begin(), warnings.end());
    co_return fine(boost::json::serialize(ready));
  }
  if (is_stranger)
    wrong = "kilnd cannot render now; who shows a token is told why";
  auto [type, body] = format_problem(503, *wrong, "/readyz");
  const answer not_ready{response{.status = 503, .content_type = std::string{type}, .body = std::move(body)},
                         retry_seconds};
  co_return not_ready;
}

} // namespace kiln::api
