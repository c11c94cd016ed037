// SPDX-License-Identifier: Apache-2.0
#include "api/job_json.hpp"

#include <gtest/gtest.h>

namespace kiln::api {
namespace {

std::string why(std::string_view body) {
  const auto frames = parse_frame_range(body);
  return frames ? "taken: " + domain::format_frame_set(*frames) : frames.error().message;
}

TEST(job_json, reads_the_tutorials_range) {
  EXPECT_EQ(why(R"({"from":1,"to":10})"), "taken: 1-10");
  EXPECT_EQ(why(R"({"to":3,"from":3,"note":"ignored"})"), "taken: 3");
  EXPECT_EQ(why(R"({"from":0,"to":1048574})"), "taken: 0-1048574");
}

TEST(job_json, says_what_is_wrong_with_a_range) {
  EXPECT_EQ(why("{}"), "\"from\" is missing");
  EXPECT_EQ(why(R"({"from":1})"), "\"to\" is missing");
  EXPECT_EQ(why(R"({"from":"1","to":2})"), "\"from\" must be a whole number, not string");
  EXPECT_EQ(why(R"({"from":1,"to":null})"), "\"to\" must be a whole number, not null");
  EXPECT_EQ(why(R"({"from":1.5,"to":2})"), "\"from\" must be a whole number");
  EXPECT_EQ(why(R"({"from":1e99,"to":2})"), "\"from\" must be a whole number");
  EXPECT_EQ(why(R"({"from":-1,"to":2})"), "\"from\" must lie between 0 and 1048574");
  EXPECT_EQ(why(R"({"from":1,"to":1048575})"), "\"to\" must lie between 0 and 1048574");
  EXPECT_EQ(why(R"({"from":18446744073709551615,"to":2})"), "\"from\" must lie between 0 and 1048574");
  EXPECT_EQ(why(R"({"from":5,"to":2})"), "\"from\" (5) is after \"to\" (2)");
  EXPECT_EQ(why(R"([1,2])"), "the body must be a JSON object such as {\"from\":1,\"to\":10}");
  EXPECT_EQ(why(R"({"from":"1; rm -rf /","to":2})"), "\"from\" must be a whole number, not string");
  EXPECT_EQ(why("from=1&to=2").substr(0, 9), "not JSON:");
}

TEST(job_json, writes_what_was_taken) {
  const auto id = *job_id::parse("j000000000000000000");
  EXPECT_EQ(format_accepted(42, id, domain::job_state::running),
            R"({"pid":42,"id":"j000000000000000000","state":"running"})");
  EXPECT_EQ(format_accepted({}, id, domain::job_state::queued),
            R"({"pid":null,"id":"j000000000000000000","state":"queued"})");
}

} // namespace
} // namespace kiln::api
