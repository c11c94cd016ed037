// SPDX-License-Identifier: Apache-2.0
#include "api/webhook_json.hpp"

#include "api/job_json.hpp"
#include "api/strict_json.hpp"
#include "webhook/signature.hpp"
#include "webhook/target.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace kiln::api {
namespace {

namespace json = boost::json;
using domain::field_error;
using domain::webhook_event;

constexpr std::size_t most_chosen = 4; // the number of kinds

void read_events(const json::value& value, webhook_request& into, std::vector<field_error>& wrong) {
  const auto* listed = value.if_array();
  if (!listed || listed->empty() || listed->size() > most_chosen)
    return wrong.push_back({"/events", R"(must be a list such as ["job.succeeded","job.failed"])"});
  for (std::size_t i = 0; i < listed->size(); ++i) {
    const auto* name = (*listed)[i].if_string();
    const auto event = name ? domain::parse_webhook_event(std::string_view{*name}) : std::nullopt;
    if (!event || *event == webhook_event::ping)
      wrong.push_back(
          {fmt::format("/events/{}", i), "must be job.started, job.succeeded, job.failed or job.canceled"});
    else if (std::ranges::find(into.events, *event) != into.events.end())
      wrong.push_back({fmt::format("/events/{}", i), "is there twice"});
    else
      into.events.push_back(*event);
  }
}

std::string event_text(std::string_view type, store::time_point when, json::object data) {
  json::object event;
  event["type"] = type;
  event["timestamp"] = format_time(when);
  event["data"] = std::move(data);
  return json::serialize(event);
}

} // namespace

std::variant<webhook_request, std::vector<field_error>> parse_webhook(std::string_view body) {
  const auto value = parse_strict_json(body);
  const auto* members = value ? value->if_object() : nullptr;
  if (!members) {
    const std::string why = value ? R"(the body must be a JSON object such as )"
                                    R"({"url":"https://hooks.example.com/kiln","events":["job.succeeded"]})"
                                  : value.error().message;
    return std::vector<field_error>{{"", why}};
  }
  webhook_request asked;
  std::vector<field_error> wrong;
  for (const auto& [name, member] : *members) {
    const auto* text = member.if_string();
    if (name == "url" && text) {
      asked.url = std::string_view{*text};
      if (const auto target = parse_http_url(asked.url); !target)
        wrong.push_back({"/url", target.error().message});
    } else if (name == "url") {
      wrong.push_back({"/url", "must be text"});
    } else if (name == "events") {
      read_events(member, asked, wrong);
    } else if (name == "secret" && text) {
      asked.secret = std::string{std::string_view{*text}};
      if (const auto key = webhook::key_of_secret(*asked.secret); !key)
        wrong.push_back({"/secret", key.error().message});
    } else if (name == "secret") {
      wrong.push_back({"/secret", "must be text"});
    } else {
      wrong.push_back({"/" + std::string{std::string_view{name}.substr(0, 60)},
                       "is not a field of a webhook: url, events and secret are"});
    }
  }
  for (const char* required : {"url", "events"})
    if (!members->contains(required))
      wrong.push_back({fmt::format("/{}", required), "is missing"});
  if (!wrong.empty())
    return wrong;
  return asked;
}

json::object format_webhook(const store::webhook_record& of) {
  json::array events;
  for (const auto event : of.events)
    events.emplace_back(domain::to_string(event));
  json::object out{{"id", of.id.str()},
                   {"url", of.url},
                   {"events", std::move(events)},
                   {"created_at", format_time(of.created)},
                   {"state", of.disabled ? "disabled" : "enabled"},
                   {"disabled_at", time_or_null(of.disabled)}};
  out["disabled_because"] = of.disabled ? json::value(of.disabled_why) : json::value(nullptr);
  json::value last = nullptr;
  if (const auto& report = of.last) {
    json::object told{{"at", format_time(report->at)}, {"event", domain::to_string(report->event)}};
    told["status"] = report->status ? json::value(*report->status) : json::value(nullptr);
    told["error"] = report->error ? json::value(*report->error) : json::value(nullptr);
    last = std::move(told);
  }
  out["deliveries"] = json::object{{"pending", of.pending},
                                   {"next_try_at", time_or_null(of.next_try)},
                                   {"last", std::move(last)},
                                   {"last_success_at", time_or_null(of.succeeded)},
                                   {"given_up", of.given_up}};
  const auto self = "/v1/webhooks/" + of.id.str();
  out["links"] = json::object{{"self", self}, {"test", self + "/test"}};
  return out;
}

std::string format_job_event(const store::job_record& job, webhook_event event, store::time_point when) {
  auto all = format_job(scheduler::job{job}, {});
  json::object told;
  for (const char* name : {"id", "name", "trace_id", "tags", "state", "revision", "created_at", "started_at",
                           "finished_at", "frames", "failure", "links"})
    if (const auto* member = all.if_contains(name))
      told[name] = *member;
  return event_text(domain::to_string(event), when, {{"job", std::move(told)}});
}

std::string format_ping(const webhook_id& to, store::time_point when) {
  return event_text(domain::to_string(webhook_event::ping), when, {{"webhook", to.str()}});
}

} // namespace kiln::api
