// SPDX-License-Identifier: Apache-2.0
#include "api/webhooks.hpp"

#include "api/answers.hpp"
#include "api/media_type.hpp"
#include "api/webhook_json.hpp"
#include "store/clock.hpp"
#include "webhook/signature.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace kiln::api {
namespace {

namespace json = boost::json;
using access::role;
using http::answer;
using http::response;

constexpr int look_again = 1;          // seconds: a test has usually ended by then
constexpr int store_retry_seconds = 5; // time for an operator to free space

answer refuse_webhook(const error& e) {
  auto refused = problem_of(e);
  if (refused.status == 503)
    return {problem(503, "webhooks cannot be kept or read now"), store_retry_seconds};
  return refused;
}

response no_such_webhook() {
  return problem(404, "there is no such webhook");
}

} // namespace

webhooks::webhooks(store::webhook_store& kept, webhook::courier& by, webhook::target_rules targets)
    : store_(kept), courier_(by), targets_(std::move(targets)), random_(std::random_device{}()) {}

void webhooks::add_routes(http::service& to) {
  using http::request;
  to.on("POST", "/v1/webhooks", role::admin, [this](const request& asked) { return create(asked); });
  to.on("GET", "/v1/webhooks", role::admin, [this](const request&) { return list(); });
  to.on("GET", "/v1/webhooks/{id}", role::admin, [this](const request& asked) { return read(asked); });
  to.on("DELETE", "/v1/webhooks/{id}", role::admin, [this](const request& asked) { return remove(asked); });
  to.on("POST", "/v1/webhooks/{id}/test", role::admin, [this](const request& asked) { return test(asked); });
}

webhook_id webhooks::new_id() {
  return webhook_id::make(store::now().time_since_epoch(), random_());
}

aio::task<answer> webhooks::create(const http::request& asked) {
  if (!is_json(asked.find("Content-Type")))
    co_return problem(415, "the body must be sent as Content-Type: application/json");
  auto parsed = parse_webhook(asked.body);
  if (const auto* wrong = std::get_if<std::vector<domain::field_error>>(&parsed))
    co_return field_problem(*wrong);
  auto& wanted = std::get<webhook_request>(parsed);
  if (auto refused = targets_.refusal(*parse_http_url(wanted.url))) {
    const domain::field_error wrong{"/url", std::move(*refused)};
    co_return field_problem({&wrong, 1});
  }
  store::webhook_record made;
  made.id = new_id();
  made.url = std::move(wanted.url);
  made.events = std::move(wanted.events);
  made.secret = wanted.secret ? std::move(*wanted.secret) : webhook::new_secret();
  made.created = store::now();
  auto kept = made;
  if (const auto added = co_await store_.add(std::move(kept)); !added)
    co_return refuse_webhook(added.error());
  auto body = format_webhook(made);
  body["secret"] = made.secret; // the only answer with the secret
  auto created = json_answer(201, body);
  created.fields.emplace_back("Location", "/v1/webhooks/" + made.id.str());
  co_return created;
}

aio::task<answer> webhooks::list() {
  const auto all = co_await store_.list();
  if (!all)
    co_return refuse_webhook(all.error());
  json::array listed;
  for (const auto& one : *all)
    listed.push_back(format_webhook(one));
  json::object body;
  body["webhooks"] = std::move(listed);
  co_return json_answer(200, body);
}

aio::task<answer> webhooks::show(int status, webhook_id id) {
  const auto found = co_await store_.find(id);
  if (!found)
    co_return refuse_webhook(found.error());
  if (!*found)
    co_return no_such_webhook();
  co_return json_answer(status, format_webhook(**found));
}

aio::task<answer> webhooks::read(const http::request& asked) {
  const auto id = webhook_id::parse(asked.id);
  if (!id)
    co_return no_such_webhook();
  co_return co_await show(200, *id);
}

aio::task<answer> webhooks::remove(const http::request& asked) {
  const auto id = webhook_id::parse(asked.id);
  if (!id)
    co_return no_such_webhook();
  if (const auto gone = co_await store_.remove(*id); !gone)
    co_return refuse_webhook(gone.error());
  co_return response{.status = 204, .content_type = {}, .body = {}};
}

aio::task<answer> webhooks::test(const http::request& asked) {
  const auto id = webhook_id::parse(asked.id);
  if (!id)
    co_return no_such_webhook();
  const auto when = store::now();
  auto name = id->str() + "-ping-" + new_id().str().substr(1);
  auto payload = format_ping(*id, when);
  if (const auto queued = co_await store_.queue_ping(*id, std::move(name), std::move(payload), when); !queued)
    co_return refuse_webhook(queued.error());
  auto taken = co_await show(202, *id);
  taken.retry_after = look_again;
  courier_.wake(); // last: the answer shows the pending delivery
  co_return taken;
}

} // namespace kiln::api
