// SPDX-License-Identifier: Apache-2.0
#include "policy/next_poll.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace kiln::policy {
namespace {

TEST(cheapest_wait, an_end_that_is_sure_is_waited_for) {
  EXPECT_EQ(cheapest_wait({.likely = 7.3, .spread = .05}, 20), 8);
  EXPECT_EQ(cheapest_wait({.likely = 0.2, .spread = .05}, 20), 1);
  EXPECT_EQ(cheapest_wait({.likely = 200, .spread = .5}, 500), 201) << "a second costs a seventh of a poll";
}

TEST(cheapest_wait, an_end_that_is_unsure_is_polled_for_before_it_is_likely) {
  const double sure = cheapest_wait({.likely = 30, .spread = 1}, 30);
  const double unsure = cheapest_wait({.likely = 30, .spread = 10}, 30);
  EXPECT_GE(sure, 29);
  EXPECT_LT(unsure, 28);
  EXPECT_GT(unsure, 10);
}

/// The cost of polls and staleness if each poll finds the rest of one lognormal distribution.
double cost(double likely, double spread, double wait_at_each) {
  std::mt19937_64 random(1);
  const double sigma = std::sqrt(std::log1p(spread * spread / likely / likely));
  std::lognormal_distribution<double> length(std::log(likely) - sigma * sigma / 2, sigma);
  double sum = 0;
  constexpr int jobs = 20'000;
  for (int job = 0; job < jobs; ++job) {
    const double end = length(random);
    double at = wait_at_each;
    int polls = 1;
    for (; at < end; ++polls)
      at += 2;
    sum += polls + at - end;
  }
  return sum / jobs;
}

// It polls somewhat sooner than is best when an estimate is as right as it says.
TEST(cheapest_wait, is_near_the_best_of_all_waits) {
  for (const double likely : {4.0, 10.0, 25.0})
    for (const double cv : {.05, .1, .2}) {
      double best = HUGE_VAL;
      for (double wait = 1; wait < 2 * likely; ++wait)
        best = std::min(best, cost(likely, cv * likely, wait));
      EXPECT_LT(cost(likely, cv * likely, cheapest_wait({likely, cv * likely}, likely)), 1.25 * best)
          << likely << ' ' << cv;
    }
}

TEST(cheapest_wait, any_estimate_gives_a_whole_second) {
  for (const double likely : {0.0, 1e-9, .3, 50.0, 1e4, 1e9})
    for (const double spread : {0.0, 1e-9, .3, 50.0, 1e4, 1e9})
      for (const double elapsed : {0.0, 1.0, 1e4, 1e9}) {
        const double wait = cheapest_wait({likely, spread}, elapsed);
        ASSERT_TRUE(std::isfinite(wait) && wait >= 1) << likely << ' ' << spread << ' ' << elapsed;
        ASSERT_EQ(wait, std::floor(wait));
      }
}

} // namespace
} // namespace kiln::policy
