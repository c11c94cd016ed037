// SPDX-License-Identifier: Apache-2.0
#include "policy/retry_after.hpp"
#include "unit/policy/hostile_input.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

namespace kiln::policy {
namespace {

frame_timing alike(int frames, double seconds, double first) {
  frame_timing timing;
  timing.frame_done(first);
  for (int i = 1; i < frames; ++i)
    timing.frame_done(seconds);
  return timing;
}

struct delay_example {
  const char* what;
  frame_timing timing;
  progress now;
  int from, to;
};

TEST(retry_after, table) {
  const delay_example table[] = {
      {"a still begins", {}, {.frames_left = 1, .elapsed = 0, .frame_age = 0}, 3, 3},
      {"ten frames begin", {}, {.frames_left = 10, .elapsed = 0, .frame_age = 0}, 3, 3},
      {"many frames begin", {}, {.frames_left = 250, .elapsed = 0, .frame_age = 0}, 3, 3},
      {"it still loads", {}, {.frames_left = 250, .elapsed = 10, .frame_age = 10}, 18, 23},
      {"a still takes its time: ask more often",
       {},
       {.frames_left = 1, .elapsed = 50, .frame_age = 50},
       8,
       16},
      {"two seconds are left, surely",
       alike(20, 1, 5),
       {.frames_left = 2, .elapsed = 24, .frame_age = 0},
       2,
       4},
      {"far from the end", alike(100, 3, 9), {.frames_left = 900, .elapsed = 306, .frame_age = 0}, 100, 300},
      {"hours are left",
       alike(1000, 30, 40),
       {.frames_left = 9000, .elapsed = 30010, .frame_age = 0},
       300,
       300},
      {"all frames are there, Blender exits",
       alike(9, 1, 1),
       {.frames_left = 0, .elapsed = 9, .frame_age = .1},
       1,
       2},
      {"history: nearly done",
       {},
       {.frames_left = 1, .elapsed = 30, .frame_age = 30, .past = history{0, 32, 0}},
       2,
       12},
      {"history does not delay the first look",
       {},
       {.frames_left = 1000, .elapsed = 0, .frame_age = 0, .past = history{0, 9, 9000}},
       3,
       3},
  };
  for (const auto& [what, timing, now, from, to] : table)
    for (const double random : {0.0, 0.5, 0.999}) {
      const int seconds = retry_after(timing, now, random);
      EXPECT_GE(seconds, from) << what;
      EXPECT_LE(seconds, to) << what;
    }
}

// A job that stalls is asked about less and less often, in steps that grow with its age.
TEST(retry_after, backs_off_from_a_stalled_frame) {
  const auto timing = alike(30, 1, 3);
  int before = 0;
  for (double age = 20; age < 2000; age *= 2) {
    const int seconds = retry_after(timing, {.frames_left = 1, .elapsed = 32 + age, .frame_age = age}, 0.5);
    EXPECT_GE(seconds, before) << age;
    EXPECT_LE(seconds, age) << age;
    before = seconds;
  }
  EXPECT_GE(before, 30);
}

// Whatever is predicted: the harm of a sudden end stays in proportion to the time the job has run.
TEST(retry_after, is_bounded_by_the_time_that_has_passed) {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> seconds(1, 1);
  std::uniform_real_distribution<double> chance;
  for (int round = 0; round < 20'000; ++round) {
    frame_timing timing;
    double elapsed = 0;
    for (auto frames = random() % 50; frames > 0; --frames) {
      const double frame = seconds(random);
      timing.frame_done(frame);
      elapsed += frame;
    }
    const double age = seconds(random);
    elapsed += age;
    progress now{.frames_left = static_cast<int>(random() % 5000), .elapsed = elapsed, .frame_age = age};
    if (random() % 2 == 0)
      now.past = history{elapsed, 100 * seconds(random), 1000 * seconds(random)};
    const int wait = retry_after(timing, now, chance(random));
    ASSERT_GE(wait, 1);
    ASSERT_LE(wait, 300);
    // With 2 instead of 3, jobs of 5 to 60 s have to poll a quarter of a poll more (docs/policy.md).
    ASSERT_LE(wait, 3 + 3 * elapsed + 1);
    ASSERT_LE(wait, 6 + std::sqrt(25 * std::max(1.0, elapsed / 100) * elapsed));
  }
}

// Rounding is random, so that the mean over many clients is the computed value.
TEST(retry_after, rounds_to_one_of_two_neighbours) {
  const progress now{.frames_left = 3, .elapsed = 60.3, .frame_age = 0.3};
  std::map<int, int> seen;
  for (int i = 0; i < 1000; ++i)
    ++seen[retry_after(alike(20, 3, 3), now, i / 1000.0)];
  ASSERT_LE(seen.size(), 2u);
  EXPECT_EQ(seen.rbegin()->first - seen.begin()->first, static_cast<int>(seen.size()) - 1);
}

TEST(retry_after, queued_table) {
  EXPECT_EQ(retry_after_queued(0, 0, 0.5), 2);
  EXPECT_EQ(retry_after_queued(100, 1000, 0.5), 70);
  EXPECT_EQ(retry_after_queued(50, 100, 0.5), 65);
  EXPECT_EQ(retry_after_queued(10, 0, 0.5), 7);
  EXPECT_EQ(retry_after_queued(1e6, 0, 0.5), 300);
  EXPECT_EQ(retry_after_queued(11, 0, 0.2), 7);
  EXPECT_EQ(retry_after_queued(11, 0, 0.4), 8);
  int before = 0;
  for (double ahead = 60; ahead < 1000; ahead += 7) {
    EXPECT_GE(retry_after_queued(ahead, 50, 0.5), before);
    before = retry_after_queued(ahead, 50, 0.5);
  }
}

TEST(retry_after, overload_is_spread_evenly_over_b_to_3b) {
  std::map<int, int> seen;
  for (int i = 0; i < 21'000; ++i)
    ++seen[overload_retry_after(10, i / 21'000.0)];
  EXPECT_EQ(seen.size(), 21u);
  EXPECT_EQ(seen.begin()->first, 10);
  EXPECT_EQ(seen.rbegin()->first, 30);
  for (const auto& [seconds, times] : seen)
    EXPECT_NEAR(times, 1000, 2) << seconds;
  EXPECT_EQ(overload_retry_after(0, 0), 1);
  EXPECT_EQ(overload_retry_after(1, 0.999), 3);
  EXPECT_EQ(overload_retry_after(1e9, 0.999), 300);
}

TEST(retry_after, any_input_gives_1_to_300) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 50'000; ++round) {
    const auto timing = hostile_timing(random);
    const auto now = hostile_progress(random);
    const int running = retry_after(timing, now, hostile(random));
    const int queued = retry_after_queued(hostile(random), hostile(random), hostile(random));
    const int refused = overload_retry_after(hostile(random), hostile(random));
    ASSERT_TRUE(running >= 1 && running <= 300) << running;
    ASSERT_TRUE(queued >= 2 && queued <= 300) << queued;
    ASSERT_TRUE(refused >= 1 && refused <= 300) << refused;
  }
}

} // namespace
} // namespace kiln::policy
