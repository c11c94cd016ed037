// SPDX-License-Identifier: Apache-2.0
#include "client/pace.hpp"
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

TEST(progress, live_line_leaves_out_what_matters_least) {
  constexpr std::size_t wide = 200;
  auto job = running(5);
  EXPECT_EQ(live_line(job, {}, wide), "running  5/20 done  25 %");
  job.now_frame = 6;
  job.sample = 3;
  job.samples = 64;
  job.seconds_left = 30;
  job.warnings = {"a"};
  EXPECT_EQ(live_line(job, 2.0, wide),
            "running  frame 6  3/64 samples  5/20 done  25 %  about 30 s left  2.0 frames/s  1 warning");
  job.least_left = 20;
  job.most_left = 200;
  const auto all = live_line(job, {}, wide);
  EXPECT_EQ(all, "running  frame 6  3/64 samples  5/20 done  25 %  20 s to 3 min left  1 warning");
  for (std::size_t columns = 0; columns <= all.size(); ++columns)
    EXPECT_LE(live_line(job, 2.0, columns).size(), columns);
  EXPECT_EQ(live_line(job, 2.0, 45), "running  5/20 done  20 s to 3 min left");
  EXPECT_EQ(live_line(job, 2.0, 20), "running  5/20 done");
  EXPECT_EQ(live_line(job, 2.0, 4), "runn");
  EXPECT_EQ(live_line({}, {}, wide), "0/0 done  0 %");
}

TEST(progress, plain_lines_are_few) {
  progress_lines plain{true};
  EXPECT_EQ(plain.next(running(0), 1), lines{"running 0/20"});
  EXPECT_EQ(plain.next(running(1), 2), lines{});
  EXPECT_EQ(plain.next(running(2), 3), lines{"10 %: 2/20 frames"});
  EXPECT_EQ(plain.next(running(3), 4), lines{});
  auto job = running(7);
  job.seconds_left = 9;
  job.warnings = {"mind the gap"};
  EXPECT_EQ(plain.next(job, 5), (lines{"warning: mind the gap", "35 %: 7/20 frames, about 9 s left"}));
  job.state = "paused";
  job.waits_for = "the disk is full";
  EXPECT_EQ(plain.next(job, 6), lines{"paused 7/20, waits: the disk is full"});
  job.state = "succeeded";
  EXPECT_EQ(plain.next(job, 7), lines{});
  progress_lines live{false};
  EXPECT_EQ(live.next(running(0), 1), lines{"running 0/20"});
  EXPECT_EQ(live.next(running(9), 2), lines{});
  EXPECT_EQ(live.reminder(1000), std::nullopt);
}

TEST(progress, a_line_each_minute_in_which_nothing_is_said) {
  progress_lines plain{true};
  EXPECT_EQ(plain.reminder(1000), std::nullopt);
  static_cast<void>(plain.next(running(1), 1000));
  EXPECT_EQ(plain.reminder(1059), std::nullopt);
  EXPECT_EQ(plain.reminder(1060), "running 5 %: 1/20 frames");
  EXPECT_EQ(plain.reminder(1061), std::nullopt);
  static_cast<void>(plain.next(running(10), 1100));
  EXPECT_EQ(plain.reminder(1130), std::nullopt);
  EXPECT_EQ(plain.reminder(1160), "running 50 %: 10/20 frames");
}

TEST(progress, pace_of_the_last_frames) {
  pace of;
  of.add(running(3), 10); // the watcher comes
  of.add(running(4), 11);
  EXPECT_EQ(of.frames_per_second(), std::nullopt);
  of.add(running(4), 12);
  of.add(running(6), 15);
  EXPECT_EQ(of.frames_per_second(), 0.5);
  auto paused = running(6);
  paused.state = "paused";
  of.add(paused, 16);
  EXPECT_EQ(of.frames_per_second(), std::nullopt);
  EXPECT_EQ(format_pace(25), "25 frames/s");
  EXPECT_EQ(format_pace(0.5), "30 frames/min");
  EXPECT_EQ(format_pace(0.001), "3.6 frames/h");
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
