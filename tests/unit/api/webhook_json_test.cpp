// SPDX-License-Identifier: Apache-2.0
#include "api/job_json.hpp"
#include "api/webhook_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace kiln::api {
namespace {

namespace json = boost::json;
using domain::webhook_event;

store::job_record job() {
  store::job_record made;
  made.id = job_id::make(std::chrono::milliseconds{5}, 6);
  made.spec.blend_name = "secret/path.blend";
  made.spec.name = "shot \"1\"";
  made.spec.tags = {"é"};
  made.spec.frames = *domain::frame_set::parse("1-10");
  made.state = domain::job_state::failed;
  made.frames_done = 9;
  made.frames_failed = 1;
  made.failure = domain::failure{.kind = domain::failure_kind::crashed, .message = "boom", .frame = 4};
  made.finished = store::time_point{std::chrono::milliseconds{1'800'000'000'123}};
  return made;
}

/// JSON pointers of the wrong fields, in a row.
std::string wrong_in(std::string_view body) {
  const auto parsed = parse_webhook(body);
  std::string pointers;
  if (const auto* wrong = std::get_if<std::vector<domain::field_error>>(&parsed))
    for (const auto& one : *wrong)
      pointers += one.pointer + ";";
  return pointers;
}

TEST(webhook_json, a_told_job_is_what_get_answers) {
  const auto of = job();
  const auto event = json::parse(format_job_event(of, webhook_event::job_failed, *of.finished)).as_object();
  EXPECT_EQ(event.at("type").as_string(), "job.failed");
  EXPECT_EQ(event.at("timestamp").as_string(), "2027-01-15T08:00:00.123Z");
  const auto& told = event.at("data").as_object().at("job").as_object();
  const auto whole = json::parse(json::serialize(format_job(scheduler::job{of}, {}))).as_object();
  for (const auto& [name, member] : told)
    EXPECT_EQ(member, whole.at(name)) << std::string_view{name};
  for (const char* name : {"id", "name", "tags", "state", "frames", "failure", "links"})
    EXPECT_TRUE(told.contains(name)) << name;
  EXPECT_FALSE(told.contains("blend"));
}

TEST(webhook_json, a_ping_names_its_webhook) {
  const auto id = webhook_id::make(std::chrono::milliseconds{5}, 6);
  const auto event = json::parse(format_ping(id, store::time_point{})).as_object();
  EXPECT_EQ(event.at("type").as_string(), "ping");
  EXPECT_EQ(event.at("data").as_object().at("webhook").as_string(), id.str());
}

TEST(webhook_json, reads_a_webhook) {
  const auto parsed = parse_webhook(R"({"url":"https://h/x","events":["job.failed","job.started"]})");
  const auto* asked = std::get_if<webhook_request>(&parsed);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->url, "https://h/x");
  EXPECT_EQ(asked->events, (std::vector{webhook_event::job_failed, webhook_event::job_started}));
  EXPECT_FALSE(asked->secret);
}

TEST(webhook_json, names_what_is_wrong) {
  EXPECT_EQ(wrong_in("{}"), "/url;/events;");
  EXPECT_EQ(wrong_in("[]"), ";");
  EXPECT_EQ(wrong_in("{"), ";");
  EXPECT_EQ(wrong_in(R"({"url":"http://h/#","events":["x","ping",1,null],"secret":"s","a":1})"),
            "/url;/events/0;/events/1;/events/2;/events/3;/secret;/a;");
  EXPECT_EQ(wrong_in(R"({"url":[],"events":{},"secret":null})"), "/url;/events;/secret;");
}

TEST(webhook_json, never_shows_the_secret_again) {
  store::webhook_record made;
  made.id = webhook_id::make(std::chrono::milliseconds{5}, 6);
  made.secret = "whsec_x";
  EXPECT_EQ(json::serialize(format_webhook(made)).find("whsec"), std::string::npos);
}

} // namespace
} // namespace kiln::api
