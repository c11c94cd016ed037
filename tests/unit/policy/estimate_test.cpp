// SPDX-License-Identifier: Apache-2.0
#include "policy/estimate.hpp"
#include "unit/policy/hostile_input.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace kiln::policy {
namespace {

frame_timing timing_of(std::initializer_list<double> frames) {
  frame_timing timing;
  for (const double seconds : frames)
    timing.frame_done(seconds);
  return timing;
}

TEST(frame_timing, the_first_frame_is_not_measured_unless_its_loading_is_known) {
  auto timing = timing_of({30});
  EXPECT_EQ(timing.frames(), 1);
  EXPECT_EQ(timing.measured(), 0);
  EXPECT_EQ(timing.first_frame(), 30);
  timing.frame_done(4);
  EXPECT_EQ(timing.measured(), 1);
  EXPECT_EQ(timing.mean(), 4);

  frame_timing told;
  told.loaded(26);
  told.frame_done(30);
  EXPECT_EQ(told.measured(), 1);
  EXPECT_EQ(told.mean(), 4);
}

TEST(frame_timing, remembers_a_window_and_the_mean_of_all) {
  frame_timing timing;
  timing.frame_done(100);
  for (int i = 1; i <= 1000; ++i)
    timing.frame_done(i);
  EXPECT_EQ(timing.frames(), 1001);
  EXPECT_EQ(timing.remembered(), frame_timing::window);
  EXPECT_EQ(timing.remembered(0), 1000 - 23);
  EXPECT_EQ(timing.remembered(23), 1000);
  EXPECT_EQ(timing.mean(), 500.5);
  EXPECT_GT(timing.recent(), 990);
}

TEST(estimate, its_quantiles_are_in_order) {
  const estimate left{.likely = 100, .spread = 30};
  EXPECT_LT(left.low(), 75);
  EXPECT_GT(left.low(), 50);
  EXPECT_GT(left.high(), 125);
  EXPECT_LT(left.high(), 160);
  const estimate sure{.likely = 100, .spread = 0};
  EXPECT_NEAR(sure.low(), 100, 1e-6);
  EXPECT_NEAR(sure.high(), 100, 1e-6);
}

TEST(estimate, nothing_is_known_before_the_first_frame) {
  EXPECT_FALSE(estimate_time_left({}, {.frames_left = 10, .elapsed = 5, .frame_age = 5}));
}

struct example {
  const char* what;
  frame_timing timing;
  progress now;
  double from, to; ///< bounds of the likely seconds
};

TEST(estimate, table) {
  const example table[] = {
      {"alike frames",
       timing_of({9, 4, 4, 4, 4, 4}),
       {.frames_left = 10, .elapsed = 30, .frame_age = 1},
       38.9,
       39.1},
      // Half a second, were the third frame as long as the other two. Frames of real renders differ by 40 %
      // until they have shown that they do not.
      {"the current one is nearly done",
       timing_of({9, 4, 4}),
       {.frames_left = 1, .elapsed = 20.5, .frame_age = 3.5},
       .4,
       1.4},
      {"the current one is nearly done, and the others were alike",
       timing_of({9, 4, 4, 4, 4, 4, 4, 4, 4}),
       {.frames_left = 1, .elapsed = 44.5, .frame_age = 3.5},
       .4,
       .9},
      {"the first holds the loading",
       timing_of({60, 1}),
       {.frames_left = 5, .elapsed = 61, .frame_age = 0},
       4.9,
       5.1},
      // 60 s, should it go on like that. On the recordings a trend was the machine's other work as often as
      // it was the scene's, so 15 % of it are believed.
      {"slower and slower",
       timing_of({1, 1, 2, 3, 4, 5, 6, 7, 8, 9}),
       {.frames_left = 5, .elapsed = 46, .frame_age = 0},
       37.5,
       60},
      {"half of a long frame",
       timing_of({1, 1, 1}),
       {.frames_left = 1, .elapsed = 53, .frame_age = 50, .stated = frame_statement{50, 50, .5}},
       49.9,
       50.1},
      {"the first of 1024 samples is done at once, and 40 s pass in silence",
       {},
       {.frames_left = 1, .elapsed = 41, .frame_age = 41, .stated = frame_statement{1, 60, 1. / 1024}},
       15,
       30},
      {"Blender says 3.5 s, the frames before took 3.1",
       timing_of({5, 3.1, 3.2, 3.0, 3.1, 3.1}),
       {.frames_left = 1, .elapsed = 20.6, .frame_age = .1, .stated = frame_statement{.1, 3.5, 1. / 400}},
       2.8,
       3.3},
      {"late: it may last as long again",
       timing_of({1, 1, 1}),
       {.frames_left = 1, .elapsed = 53, .frame_age = 50},
       25,
       60},
      {"all frames are there", timing_of({1, 1}), {.frames_left = 0, .elapsed = 2, .frame_age = 0}, 0, 0},
      {"history alone",
       {},
       {.frames_left = 3, .elapsed = 0, .frame_age = 0, .past = history{0, 10, 20}},
       29.9,
       30.1},
      {"history knows of the heavy frames to come, and this run is half as fast again",
       timing_of({2, 2, 2, 2, 2, 2, 2, 2, 2, 2}),
       {.frames_left = 2, .elapsed = 20, .frame_age = 0, .past = history{14, 1.4, 70}},
       90,
       110},
  };
  for (const auto& [what, timing, now, from, to] : table) {
    const auto left = estimate_time_left(timing, now);
    ASSERT_TRUE(left) << what;
    EXPECT_GE(left->likely, from) << what;
    EXPECT_LE(left->likely, to) << what;
  }
}

TEST(estimate, a_part_of_the_first_frame_counts_from_the_end_of_loading) {
  frame_timing timing;
  timing.loaded(20);
  const auto left = estimate_time_left(
      timing, {.frames_left = 10, .elapsed = 22, .frame_age = 22, .stated = frame_statement{22, 2, .5}});
  ASSERT_TRUE(left);
  EXPECT_NEAR(left->likely, 2 + 9 * 4, .1);
}

TEST(estimate, a_history_of_another_pace_is_not_believed_blindly) {
  const auto timing = timing_of({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  progress now{.frames_left = 12, .elapsed = 12, .frame_age = 0};
  const double own = estimate_time_left(timing, now)->likely;
  now.past = history{.done = 1200, .current = 1000, .after = 11000};
  EXPECT_NEAR(estimate_time_left(timing, now)->likely, own, own / 5);
}

// Among frames that scatter about one level, more of them take longer, and the spread grows with it.
TEST(estimate, more_frames_take_longer) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> seconds(1, 0.3);
  for (int round = 0; round < 200; ++round) {
    frame_timing timing;
    const double level = seconds(random);
    for (int i = 0; i < round % 40 + 1; ++i)
      timing.frame_done(level);
    estimate before{};
    for (int left = 1; left < 2000; left += 1 + left / 3) {
      const auto now =
          *estimate_time_left(timing, {.frames_left = left, .elapsed = 50, .frame_age = level / 2});
      EXPECT_GT(now.likely, before.likely);
      EXPECT_GE(now.spread, before.spread);
      before = now;
    }
  }
}

TEST(estimate, a_further_frame_is_nearer_its_end) {
  const auto timing = timing_of({3, 2, 2.2, 1.9});
  double before = HUGE_VAL;
  for (double fraction = 0.05; fraction <= 1; fraction += 0.05) {
    const auto now = *estimate_time_left(timing, {.frames_left = 3,
                                                  .elapsed = 20,
                                                  .frame_age = 4,
                                                  .stated = frame_statement{4, 4 / fraction - 4, fraction}});
    EXPECT_LT(now.likely, before);
    before = now.likely;
  }
}

TEST(estimate, is_a_number_for_any_input) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 50'000; ++round) {
    const auto timing = hostile_timing(random);
    const auto now = hostile_progress(random);
    const auto left = estimate_time_left(timing, now);
    if (!left)
      continue;
    ASSERT_TRUE(std::isfinite(left->likely) && left->likely >= 0) << round;
    ASSERT_TRUE(std::isfinite(left->spread) && left->spread >= 0) << round;
    ASSERT_TRUE(std::isfinite(left->low()) && left->low() >= 0) << round;
    ASSERT_TRUE(std::isfinite(left->high())) << round;
    ASSERT_LE(left->low(), left->high()) << round;
  }
}

} // namespace
} // namespace kiln::policy
