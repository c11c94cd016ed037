// SPDX-License-Identifier: Apache-2.0
#include "policy/forecast.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace kiln::policy {
namespace {

TEST(forecast, adds_up_what_the_same_frames_took) {
  const forecast f{*domain::frame_set::range(1, 4), {{1, 1.0}, {2, 2.0}, {3, 3.0}, {4, 4.0}}, 0.5};
  EXPECT_DOUBLE_EQ(f.total(), 10.5);
  EXPECT_DOUBLE_EQ(f.at(0).done, 0.5);
  EXPECT_DOUBLE_EQ(f.at(0).current, 1.0);
  EXPECT_DOUBLE_EQ(f.at(0).after, 9.0);
  EXPECT_DOUBLE_EQ(f.at(3).done, 6.5);
  EXPECT_DOUBLE_EQ(f.at(3).current, 4.0);
  EXPECT_DOUBLE_EQ(f.at(3).after, 0.0);
  for (const std::size_t past : {4U, 5U, 1000U}) {
    EXPECT_DOUBLE_EQ(f.at(past).done, 10.5);
    EXPECT_DOUBLE_EQ(f.at(past).current + f.at(past).after, 0.0);
  }
}

TEST(forecast, unknown_frames_count_as_the_mean) {
  const forecast f{*domain::frame_set::parse("1,2,50"), {{1, 1.0}, {2, 3.0}, {99, 5.0}}, 0};
  EXPECT_DOUBLE_EQ(f.total(), 1 + 3 + 3);
}

TEST(forecast, times_that_cannot_be_do_not_spoil_it) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const forecast f{*domain::frame_set::range(1, 3), {{1, inf}, {2, nan}, {3, -1}}, nan};
  EXPECT_GE(f.total(), 0);
  EXPECT_LT(f.total(), inf);
  EXPECT_EQ(forecast({}, {}, 1).at(7).after, 0);
}

} // namespace
} // namespace kiln::policy
