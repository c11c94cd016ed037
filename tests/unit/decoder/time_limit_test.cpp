// SPDX-License-Identifier: Apache-2.0
#include "decoder/formats.hpp"
#include "decoder/time_limit.hpp"

#include <gtest/gtest.h>

#include <sys/time.h>

namespace kiln::decoder {
namespace {

double seconds_left() {
  itimerval left{};
  ::getitimer(ITIMER_PROF, &left);
  return static_cast<double>(left.it_value.tv_sec) + 1e-6 * static_cast<double>(left.it_value.tv_usec);
}

TEST(time_limit, goes_by_the_pixels_of_an_image) {
  ASSERT_TRUE(check_dimensions("PNG", 4000, 4000, 1));
  EXPECT_EQ(seconds_left(), 0) << "none was begun";
  begin_time_limit();
  EXPECT_NEAR(seconds_left(), 5, 0.2);
  ASSERT_TRUE(check_dimensions("PNG", 3000, 1000, 1));
  EXPECT_NEAR(seconds_left(), 8, 0.2);
  allow_time_for(0, 80'000'000);
  EXPECT_NEAR(seconds_left(), 18, 0.2);
  ASSERT_FALSE(check_dimensions("PNG", 70'000, 70'000, 1));
  EXPECT_NEAR(seconds_left(), 18, 0.2) << "nothing for what is refused";
  end_time_limit();
  EXPECT_EQ(seconds_left(), 0);
}

} // namespace
} // namespace kiln::decoder
