// SPDX-License-Identifier: Apache-2.0
#include "client/job_view.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using boost::json::parse;

TEST(job_view, fields_of_a_job) {
  const auto job =
      read_job(parse(R"({"id":"j1","state":"running","name":"a\u001b[2Jb","owner":null,"priority":-3,
    "frames":{"set":"1-10","total":10,"done":4,"failed":1},"eta_seconds":{"low":1,"likely":2.5,"high":4},
    "current":{"pid":1,"frame":5,"sample":3,"samples":64},"waits_for":null,
    "failure":{"kind":"crashed","message":"it\ncrashed"},"warnings":[{"kind":"x","message":"mind"}]})"));
  EXPECT_EQ(job.id, "j1");
  EXPECT_EQ(job.name, "a [2Jb");
  EXPECT_EQ(job.owner, "");
  EXPECT_EQ(job.priority, -3);
  EXPECT_EQ(job.total, 10);
  EXPECT_EQ(job.done, 4);
  EXPECT_EQ(job.failed, 1);
  EXPECT_EQ(job.seconds_left, 2.5);
  EXPECT_EQ(job.now_frame, 5);
  EXPECT_EQ(job.sample, 3);
  EXPECT_EQ(job.failure, "crashed: it crashed");
  EXPECT_EQ(job.warnings, std::vector<std::string>{"mind"});
  EXPECT_FALSE(job.is_final());
}

TEST(job_view, other_versions_are_readable) {
  for (const char* text :
       {"{}", "[]", "null", R"({"id":3,"frames":[],"eta_seconds":7,"current":null,"warnings":{}})",
        R"({"eta_seconds":{"likely":null},"failure":"x","warnings":[3]})"})
    EXPECT_EQ(read_job(parse(text)).total, 0) << text;
}

TEST(job_view, files_of_done_frames) {
  const auto files = done_files(parse(R"({"frames":[{"frame":1,"state":"done"},{"frame":2,"state":"pending"},
    {"frame":3,"state":"done","outputs":[{"name":"Out--image_0003.png"},{"name":7}]}]})"),
                                "j1");
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0], (result_file{1, "", "/v1/jobs/j1/frames/1"}));
  EXPECT_EQ(files[1], (result_file{3, "", "/v1/jobs/j1/frames/3"}));
  EXPECT_EQ(files[2], (result_file{3, "Out--image_0003.png", "/v1/jobs/j1/outputs/Out--image_0003.png"}));
  EXPECT_TRUE(done_files(parse("{}"), "j1").empty());
}

TEST(job_view, the_next_page) {
  EXPECT_EQ(next_cursor(R"(</v1/jobs?limit=2&cursor=abc>; rel="next")"), "abc");
  EXPECT_EQ(next_cursor(R"(</kiln/v1/jobs?cursor=abc&limit=2>; rel="next")"), "abc");
  EXPECT_EQ(next_cursor(R"(</v1/jobs>; rel="alternate")"), std::nullopt);
  EXPECT_EQ(next_cursor(""), std::nullopt);
}

} // namespace
} // namespace kiln::client
