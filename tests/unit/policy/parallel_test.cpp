// SPDX-License-Identifier: Apache-2.0
#include "policy/parallel.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace kiln::policy {
namespace {

frame_timing measured(int frames, double seconds) {
  frame_timing timing;
  timing.loaded(0);
  for (int i = 0; i < frames; ++i)
    timing.frame_done(seconds);
  return timing;
}

parallel_progress tasks(std::size_t running, double frames_each, std::size_t waiting, double frames_waiting) {
  parallel_progress now;
  now.running.assign(running, {.frames_left = frames_each, .frame_age = 0});
  now.waiting = waiting;
  now.frames_waiting = frames_waiting;
  return now;
}

TEST(estimate_parallel, nobody_knows_before_the_first_frame) {
  EXPECT_FALSE(estimate_parallel({}, tasks(3, 5, 0, 0), {}));
  EXPECT_TRUE(estimate_parallel({}, tasks(3, 5, 0, 0), 10.0));
}

TEST(estimate_parallel, many_nodes_share_the_work) {
  const auto timing = measured(20, 10);
  const auto one = estimate_parallel(timing, tasks(1, 10, 99, 990), {});
  const auto hundred = estimate_parallel(timing, tasks(100, 10, 0, 0), {});
  EXPECT_NEAR(one->likely, 10'000, 500);
  EXPECT_GT(hundred->likely, 100) << "the slowest of a hundred";
  EXPECT_LT(hundred->likely, 150);
  EXPECT_LT(hundred->low(), hundred->high());
}

TEST(estimate_parallel, the_longest_task_is_waited_for) {
  auto now = tasks(10, 1, 0, 0);
  now.running.push_back({.frames_left = 30, .frame_age = 0});
  EXPECT_GE(estimate_parallel(measured(20, 10), now, {})->likely, 300);
}

TEST(estimate_parallel, a_frame_that_is_late_stays_late) {
  auto now = tasks(1, 1, 0, 0);
  now.running[0].frame_age = 100;
  EXPECT_GT(estimate_parallel(measured(20, 10), now, {})->likely, 40);
}

TEST(estimate_parallel, what_blenders_state_of_the_last_frames_counts) {
  const auto timing = measured(3, 10);
  auto now = tasks(2, 1, 0, 0);
  now.running[0].frame_age = now.running[1].frame_age = 2;
  const auto unknown = *estimate_parallel(timing, now, {});
  now.running[0].stated = frame_statement{.age = 2, .rest = 20, .fraction = .1};
  EXPECT_GT(estimate_parallel(timing, now, {})->likely, unknown.likely + 2);
  now.running[0].stated = now.running[1].stated = frame_statement{.age = 2, .rest = .5, .fraction = .9};
  EXPECT_LT(estimate_parallel(timing, now, {})->likely, unknown.likely - 2);
}

TEST(estimate_parallel, a_part_of_the_first_frames_is_enough) {
  auto now = tasks(2, 1, 0, 6);
  now.running[0].frame_age = 2;
  now.running[0].stated = frame_statement{.age = 2, .rest = 8, .fraction = .2};
  const auto left = estimate_parallel({}, now, {});
  ASSERT_TRUE(left);
  EXPECT_NEAR(left->likely, 45, 12) << "eight frames of ten seconds for two";
}

TEST(estimate_parallel, frames_that_render_now_speak_for_those_to_come) {
  auto now = tasks(4, 1, 0, 40);
  const double before = estimate_parallel(measured(4, 10), now, {})->likely;
  for (auto& task : now.running) {
    task.frame_age = 5;
    task.stated = frame_statement{.age = 5, .rest = 15, .fraction = .25};
  }
  EXPECT_GT(estimate_parallel(measured(4, 10), now, {})->likely, 1.2 * before);
}

TEST(estimate_parallel, starting_up_costs_once_a_task) {
  auto now = tasks(1, 1, 10, 10);
  const auto without = estimate_parallel(measured(20, 10), now, {})->likely;
  now.start_up = 60;
  now.running[0].is_loaded = false;
  EXPECT_NEAR(estimate_parallel(measured(20, 10), now, {})->likely - without, 11 * 60, 60);
}

TEST(estimate_parallel, what_waits_begins_when_slurm_says) {
  auto now = tasks(0, 0, 4, 4);
  now.slots = 4;
  const auto at_once = estimate_parallel(measured(20, 10), now, {})->likely;
  now.starts_in = 3600;
  EXPECT_NEAR(estimate_parallel(measured(20, 10), now, {})->likely, at_once + 3600, 1);
}

TEST(estimate_parallel, hostile_numbers_never_spoil_it) {
  constexpr auto infinite = std::numeric_limits<double>::infinity();
  constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {-1.0, nan, infinite, -infinite, 1e308, 0.0})
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
      parallel_progress now;
      now.running.assign(count, {.frames_left = bad, .frame_age = bad, .is_loaded = false});
      now.waiting = count;
      now.frames_waiting = bad;
      now.starts_in = bad;
      now.start_up = bad;
      for (auto& task : now.running)
        task.stated = frame_statement{bad, bad, bad};
      const auto left = estimate_parallel(measured(2, bad), now, bad);
      ASSERT_TRUE(left);
      EXPECT_TRUE(std::isfinite(left->likely) && std::isfinite(left->spread)) << bad << ' ' << count;
      EXPECT_GE(left->likely, 0);
    }
}

} // namespace
} // namespace kiln::policy
