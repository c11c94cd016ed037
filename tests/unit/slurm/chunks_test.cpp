// SPDX-License-Identifier: Apache-2.0
#include "slurm/chunks.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace kiln::slurm {
namespace {

using domain::frame_set;

constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
constexpr auto infinite = std::numeric_limits<double>::infinity();

TEST(frames_of_a_task, goes_towards_the_target) {
  struct row {
    std::size_t left;
    pace known;
    std::size_t parallel;
    std::size_t expected;
    const char* why;
  };
  const row table[]{
      {100'000, {}, 300, 1, "nothing is known"},
      {100'000, {10.0, 1}, 300, 30, "300 s at 10 s a frame"},
      {100'000, {10.0, 60}, 300, 120, "20 times the start-up is more"},
      {100'000, {600.0, 1}, 300, 1, "a frame is longer than the target"},
      {24, {10.0, 1}, 300, 1, "nodes shall not stand idle"},
      {24, {10.0, 1}, 3, 8, "three nodes, a share each"},
      {24, {0.1, 2}, 300, 20, "a task renders at least as long as it starts up"},
      {0, {10.0, 1}, 300, 1, "nothing is left"},
      {1'000'000, {1e-9, 0}, 3, 5000, "a task has a limit"},
      {1000, {nan, nan}, 3, 334, "no number"},
      {1000, {infinite, infinite}, 3, 334, "no number"},
      {1000, {-5.0, -5}, 0, 1000, "no number, no node"},
  };
  for (const auto& [left, known, parallel, expected, why] : table)
    EXPECT_EQ(frames_of_a_task(left, known, {.parallel = parallel}), expected) << why;
}

TEST(cut, sends_pilots_first_and_each_frame_once) {
  const auto left = *frame_set::range(1, 200);
  const auto pilots = cut(left, {}, {}, {});
  ASSERT_EQ(pilots.size(), 64U);
  EXPECT_EQ(pilots[63], frame_set::of({64}));
  const auto all = cut(left, {}, {10.0, 1}, {.parallel = 7});
  frame_set seen;
  std::size_t count = 0;
  for (const auto& task : all)
    for (const int frame : task) {
      seen.add(frame);
      ++count;
    }
  EXPECT_EQ(seen, left);
  EXPECT_EQ(count, 200U);
  EXPECT_EQ(all.size(), 7U);
}

TEST(cut, what_has_failed_goes_alone_and_first) {
  const auto tasks = cut(*frame_set::range(10, 20), frame_set::of({3, 7}), {60.0, 1}, {.parallel = 2});
  ASSERT_GE(tasks.size(), 3U);
  EXPECT_EQ(tasks[0], frame_set::of({3}));
  EXPECT_EQ(tasks[1], frame_set::of({7}));
  EXPECT_EQ(tasks[2].front(), 10);
}

TEST(cut, keeps_to_the_size_of_an_array) {
  EXPECT_EQ(cut(*frame_set::range(1, 5000), {}, {600.0, 1}, {.most_tasks = 100}).size(), 100U);
  EXPECT_EQ(
      cut(*frame_set::range(1, 5000), *frame_set::range(6000, 7000), {600.0, 1}, {.most_tasks = 100}).size(),
      100U);
  EXPECT_EQ(cut(*frame_set::range(1, 5), {}, {}, {.most_tasks = 0}).size(), 1U);
  EXPECT_TRUE(cut({}, {}, {}, {}).empty());
}

TEST(time_limit, has_a_margin_and_grows) {
  EXPECT_FALSE(time_limit(10, {}, 0));
  EXPECT_EQ(time_limit(10, pace{1.0, 1}, 0)->count(), 10);
  EXPECT_EQ(time_limit(100, pace{60.0, 0}, 0)->count(), 300);
  EXPECT_EQ(time_limit(100, pace{60.0, 0}, 2)->count(), 1200);
  EXPECT_EQ(time_limit(100, pace{nan, infinite}, 0)->count(), 10);
  EXPECT_LE(time_limit(5000, pace{1e9, 1}, 1000)->count(), 366 * 24 * 60);
}

TEST(format_task, is_read_as_it_is_written) {
  for (const char* text : {"1", "1-10", "1-9x2", "1-3,7,20-30x5", "0,1048574"}) {
    const auto frames = *frame_set::parse(text);
    EXPECT_EQ(parse_task(format_task(frames)), frames) << text;
  }
  EXPECT_EQ(format_task(*frame_set::range(1, 9, 2)), "1 9 2");
  for (const char* line :
       {"", "1", "1 2", "1 2 3 4", "a b c", "1 2 0", "5 1 1", "1 2 1;rm", "-1 2 1", "1 9999999 1"})
    EXPECT_TRUE(parse_task(line).empty()) << line;
}

} // namespace
} // namespace kiln::slurm
