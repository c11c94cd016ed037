// SPDX-License-Identifier: Apache-2.0
#include "policy/queue_wait.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace kiln::policy {
namespace {

double wait(std::vector<double> running, std::vector<double> waiting, std::size_t slots) {
  return queue_wait(running, waiting, slots);
}

TEST(queue_wait, one_slot_is_a_sum) {
  EXPECT_EQ(wait({}, {}, 1), 0);
  EXPECT_EQ(wait({5}, {}, 1), 5);
  EXPECT_EQ(wait({5}, {10, 20}, 1), 35);
}

TEST(queue_wait, several_slots_are_taken_as_they_get_free) {
  EXPECT_EQ(wait({5, 30}, {}, 2), 5);
  EXPECT_EQ(wait({5, 30}, {10}, 2), 15);
  EXPECT_EQ(wait({5, 30}, {10, 100}, 2), 30);
  EXPECT_EQ(wait({5}, {}, 2), 0) << "one is free";
}

TEST(queue_wait, is_never_undefined) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(wait({nan, -5}, {-1, nan}, 2), 0);
  EXPECT_TRUE(std::isfinite(wait({inf}, {inf, inf}, 1)));
  EXPECT_EQ(wait({3}, {}, 0), 3);
}

} // namespace
} // namespace kiln::policy
