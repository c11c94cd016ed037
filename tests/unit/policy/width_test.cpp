// SPDX-License-Identifier: Apache-2.0
// Renders that are played: how long a frame takes beside others is given, and when it is done follows.
#include "policy/width.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

namespace kiln::policy {
namespace {

/// Frames a second that `width` Blenders make together.
using curve = std::function<double(std::size_t width)>;

/// Of a frame of a second's work, of which `serial` runs on one core and the rest on all that are free.
curve amdahl(double serial, std::size_t cores) {
  return [=](std::size_t width) {
    const auto n = static_cast<double>(cores);
    const auto w = static_cast<double>(width);
    return std::min(n, w / (serial + (1 - serial) * w / n));
  };
}

struct played {
  double seconds = 0;
  std::size_t width = 1; ///< at the end
  std::size_t widest = 1;
};

played play(const curve& rate, int frames, std::size_t most, double noise = 0, double loading = 1,
            double frame_seconds = 1, unsigned seed = 1) {
  std::mt19937 random{seed};
  std::normal_distribution<double> chance{0, noise};
  width_search search;
  search.loading_takes(loading);
  double now = loading;
  const auto duration = [&](std::size_t width) {
    return frame_seconds * static_cast<double>(width) / rate(width) * std::exp(chance(random));
  };
  std::vector<double> ends{now + duration(1)};
  int left = frames, given = 1;
  played result;
  while (left > 0) {
    const auto next = std::ranges::min_element(ends);
    now = *next;
    --left;
    search.frame_done(now, ends.size(), static_cast<std::size_t>(left), most);
    if (ends.size() > search.wanted() || given >= frames) {
      ends.erase(next);
    } else {
      *next = now + duration(ends.size());
      ++given;
    }
    while (ends.size() < search.wanted() && given < frames) {
      ends.push_back(now + loading + duration(ends.size() + 1));
      ++given;
    }
    result.widest = std::max(result.widest, ends.size());
  }
  result.seconds = now;
  result.width = search.wanted();
  return result;
}

TEST(width_search, stays_at_one_where_more_do_not_help) {
  const auto flat = [](std::size_t) { return 1.0; };
  const auto one = play(flat, 100, 1);
  for (const double noise : {0.0, 0.1, 0.3})
    for (unsigned seed = 1; seed <= 20; ++seed) {
      const auto searched = play(flat, 100, 4, noise, 1, 1, seed);
      EXPECT_LE(searched.widest, 4U);
      const auto alone = play(flat, 100, 1, noise, 1, 1, seed);
      EXPECT_LT(searched.seconds, alone.seconds * 1.08) << noise << ' ' << seed;
    }
  EXPECT_NEAR(one.seconds, 101, 0.001);
}

TEST(width_search, goes_as_far_as_it_helps) {
  for (const std::size_t cores : {2U, 8U, 64U}) {
    const auto scales = [cores](std::size_t width) {
      return static_cast<double>(std::min(width, cores / 2));
    };
    const auto searched = play(scales, 20'000, cores);
    EXPECT_GE(scales(searched.width), 0.85 * static_cast<double>(cores / 2));
    EXPECT_LE(searched.width, cores);
  }
  const auto serial = amdahl(0.3, 8);
  const auto searched = play(serial, 1000, 8);
  EXPECT_GE(searched.width, 4U);
  EXPECT_LT(searched.seconds, 0.6 * play(serial, 1000, 1).seconds);
}

TEST(width_search, steps_back_when_it_gets_slower) {
  const auto worse = [](std::size_t width) { return width == 1 ? 1.0 : width == 2 ? 1.5 : 0.7; };
  EXPECT_EQ(play(worse, 500, 16).width, 2U);
  const auto swaps = [](std::size_t width) { return width == 1 ? 1.0 : 0.4; };
  const auto searched = play(swaps, 200, 16);
  EXPECT_EQ(searched.width, 1U);
  EXPECT_LT(searched.seconds, 201 * 1.06) << "what was tried costs little";
}

TEST(width_search, does_not_try_when_little_is_left) {
  const auto doubles = [](std::size_t width) { return static_cast<double>(width); };
  EXPECT_EQ(play(doubles, 10, 2, 0, 10).widest, 1U) << "loading takes as long as all of it";
  EXPECT_EQ(play(doubles, 3, 8).widest, 1U);
  EXPECT_EQ(play(doubles, 100, 1).widest, 1U) << "one slot";
}

TEST(width_search, keeps_to_what_memory_allows) {
  width_search search;
  for (int i = 1; search.wanted() == 1 && i < 100; ++i)
    search.frame_done(i, 1, 1000, 8);
  EXPECT_EQ(search.wanted(), 2U);
  search.no_room(1);
  for (int i = 100; i < 200; ++i)
    search.frame_done(i, 1, 1000, 8);
  EXPECT_EQ(search.wanted(), 1U);
}

TEST(width_search, any_input_will_do) {
  width_search search;
  search.loading_takes(std::numeric_limits<double>::quiet_NaN());
  for (const double now : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                           -1e300, 0.0, 5.0, 4.0, 3.0, 1e300})
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, static_cast<std::size_t>(-1)})
      search.frame_done(now, count, count, count);
  EXPECT_GE(search.wanted(), 1U);
}

TEST(piece_size, is_one_for_frames_that_take_their_time) {
  EXPECT_EQ(piece_size(1, 1000, 2), 1U);
  EXPECT_EQ(piece_size(0.01, 1000, 2), 10U);
  EXPECT_EQ(piece_size(0.01, 24, 2), 3U) << "nobody waits at the end";
  EXPECT_EQ(piece_size(0.01, 1, 2), 1U);
  EXPECT_EQ(piece_size(0, 1000, 2), 1U);
  EXPECT_EQ(piece_size(std::numeric_limits<double>::quiet_NaN(), 1000, 0), 1U);
  EXPECT_GE(piece_size(1e-300, 1000, 1), 1U);
}

TEST(threads_of, shares_the_cores) {
  EXPECT_EQ(threads_of(1, 8), 8);
  EXPECT_EQ(threads_of(3, 8), 3);
  EXPECT_EQ(threads_of(16, 8), 1);
  EXPECT_EQ(threads_of(0, 0), 1);
}

} // namespace
} // namespace kiln::policy
