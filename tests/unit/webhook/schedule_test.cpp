// SPDX-License-Identifier: Apache-2.0
#include "webhook/schedule.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace kiln::webhook {
namespace {

using namespace std::chrono_literals;

TEST(schedule, covers_more_than_a_day_and_ends) {
  EXPECT_GT(std::accumulate(usual_waits.begin(), usual_waits.end(), wait{0}) * 4 / 5, 24h);
  EXPECT_EQ(next_wait(usual_waits, 1, 0.5, {}), 5s);
  EXPECT_EQ(next_wait(usual_waits, 2, 0.5, {}), 5min);
  EXPECT_EQ(next_wait(usual_waits, 7, 0.5, {}), 14h);
  EXPECT_FALSE(next_wait(usual_waits, 8, 0.5, {}));
  EXPECT_FALSE(next_wait(usual_waits, 0, 0.5, {}));
  EXPECT_FALSE(next_wait(usual_waits, -1, 0.5, {}));
}

TEST(schedule, is_spread_out_by_a_fifth) {
  EXPECT_EQ(next_wait(usual_waits, 1, 0, {}), 4s);
  EXPECT_EQ(next_wait(usual_waits, 1, 1, {}), 6s);
}

TEST(schedule, heeds_what_the_receiver_asks_for_up_to_a_day) {
  EXPECT_EQ(next_wait(usual_waits, 1, 0.5, 60s), 60s);
  EXPECT_EQ(next_wait(usual_waits, 2, 0.5, 60s), 5min) << "never sooner than the schedule";
  EXPECT_EQ(next_wait(usual_waits, 1, 0.5, std::chrono::seconds{1'000'000}), 24h);
  EXPECT_EQ(next_wait(usual_waits, 1, 0.5, std::chrono::hours{100'000}), 24h);
  EXPECT_EQ(next_wait(usual_waits, 1, 0.5, std::chrono::seconds::max()), 24h);
  EXPECT_EQ(next_wait(usual_waits, 1, 0.5, -5s), 5s);
}

} // namespace
} // namespace kiln::webhook
