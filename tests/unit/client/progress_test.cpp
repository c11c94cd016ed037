// SPDX-License-Identifier: Apache-2.0
#include "client/progress.hpp"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

using lines = std::vector<std::string>;

job_view running(std::int64_t done) {
  job_view job;
  job.id = "j1";
  job.state = "running";
  job.total = 20;
  job.done = done;
  return job;
}

TEST(progress, time_left) {
  EXPECT_EQ(format_time_left(-1), "0 s");
  EXPECT_EQ(format_time_left(45.4), "45 s");
  EXPECT_EQ(format_time_left(150), "3 min");
  EXPECT_EQ(format_time_left(2.5 * 3600), "2 h 30 min");
  EXPECT_EQ(format_time_left(5 * 86400), "5 days");
  EXPECT_EQ(format_time_left(1e300), "11574 days");
}

TEST(progress, live_line) {
  auto job = running(5);
  EXPECT_EQ(live_line(job), "running  5/20 done  25 %");
  job.now_frame = 6;
  job.sample = 3;
  job.samples = 64;
  job.seconds_left = 30;
  job.warnings = {"a"};
  EXPECT_EQ(live_line(job), "running  frame 6 (3/64 samples)  5/20 done  25 %  about 30 s left  1 warning");
  EXPECT_EQ(live_line({}), "  0/0 done  0 %");
}

TEST(progress, plain_lines_are_few) {
  progress_lines plain{true};
  EXPECT_EQ(plain.next(running(0)), lines{"running 0/20"});
  EXPECT_EQ(plain.next(running(1)), lines{});
  EXPECT_EQ(plain.next(running(2)), lines{"10 %: 2/20 frames"});
  EXPECT_EQ(plain.next(running(3)), lines{});
  auto job = running(7);
  job.seconds_left = 9;
  job.warnings = {"mind the gap"};
  EXPECT_EQ(plain.next(job), (lines{"warning: mind the gap", "35 %: 7/20 frames, about 9 s left"}));
  job.state = "paused";
  job.waits_for = "the disk is full";
  EXPECT_EQ(plain.next(job), lines{"paused 7/20, waits: the disk is full"});
  job.state = "succeeded";
  EXPECT_EQ(plain.next(job), lines{});
  progress_lines live{false};
  EXPECT_EQ(live.next(running(0)), lines{"running 0/20"});
  EXPECT_EQ(live.next(running(9)), lines{});
}

TEST(progress, the_end_says_what_to_do) {
  auto job = running(20);
  job.state = "succeeded";
  EXPECT_EQ(format_end(job), "j1 succeeded: 20/20 frames");
  job.state = "failed";
  job.failure = "crashed: by signal 11";
  const auto text = format_end(job);
  EXPECT_NE(text.find("crashed: by signal 11"), std::string::npos);
  EXPECT_NE(text.find("kiln retry j1"), std::string::npos);
}

} // namespace
} // namespace kiln::client
