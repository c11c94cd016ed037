// SPDX-License-Identifier: Apache-2.0
#include "access/bucket.hpp"

#include <gtest/gtest.h>

namespace kiln::access {
namespace {

using namespace std::chrono_literals;

const time_point first_moment{1000h};

TEST(bucket, a_burst_then_as_often_as_it_is_filled) {
  const rate limit{.per_second = 2, .burst = 3};
  bucket b;
  EXPECT_EQ(b.take(limit, first_moment).remaining, 2);
  EXPECT_EQ(b.take(limit, first_moment).remaining, 1);
  const auto last = b.take(limit, first_moment);
  EXPECT_TRUE(last.allowed);
  EXPECT_EQ(last.remaining, 0);
  EXPECT_NEAR(last.wait, 0.5, 1e-6);
  EXPECT_NEAR(last.full_in, 1.5, 1e-6);
  for (int i = 0; i < 3; ++i) { // refused requests cost nothing
    const auto refused = b.take(limit, first_moment + 100ms);
    EXPECT_FALSE(refused.allowed);
    EXPECT_NEAR(refused.wait, 0.4, 1e-6);
    EXPECT_EQ(refused.remaining, 0);
  }
  EXPECT_TRUE(b.take(limit, first_moment + 500ms).allowed);
  EXPECT_FALSE(b.take(limit, first_moment + 999ms).allowed);
  EXPECT_TRUE(b.take(limit, first_moment + 1000ms).allowed);
  EXPECT_FALSE(b.is_full(first_moment + 1000ms));
  EXPECT_TRUE(b.is_full(first_moment + 3000ms));
  EXPECT_EQ(b.take(limit, first_moment + 1h).remaining, 2) << "never more than a burst";
}

TEST(bucket, in_the_long_run_no_more_than_the_rate) {
  for (const rate limit : {rate{0.001, 1}, rate{1, 1}, rate{7, 20}, rate{200, 1000}, rate{1e6, 1e6}}) {
    bucket b;
    const auto step = std::chrono::duration_cast<time_point::duration>(
        std::chrono::duration<double>{1 / limit.per_second / 3.7});
    int taken = 0;
    constexpr int asked = 20'000;
    for (int i = 0; i < asked; ++i)
      taken += b.take(limit, first_moment + i * step).allowed ? 1 : 0;
    const auto most = std::min<double>(asked, limit.burst + asked / 3.7);
    EXPECT_LE(taken, most + 1) << limit.per_second;
    EXPECT_GE(taken, 0.9 * most) << limit.per_second; // a request between two drops misses the first
  }
}

TEST(bucket, a_clock_that_is_set_back_gives_nothing_away) {
  const rate limit{.per_second = 1, .burst = 2};
  bucket b;
  b.take(limit, first_moment);
  b.take(limit, first_moment);
  EXPECT_FALSE(b.take(limit, first_moment - 1h).allowed);
}

TEST(bucket_table, each_has_a_bucket_of_its_own) {
  bucket_table table({.per_second = 1, .burst = 1}, 100);
  EXPECT_TRUE(table.take(1, first_moment).allowed);
  EXPECT_FALSE(table.take(1, first_moment).allowed);
  EXPECT_TRUE(table.take(2, first_moment).allowed);
}

TEST(bucket_table, is_bounded_and_forgets_who_has_not_asked_for_longest) {
  bucket_table table({.per_second = 0.001, .burst = 1}, 100);
  for (std::uint64_t who = 0; who < 1'000'000; ++who) {
    EXPECT_TRUE(table.take(who, first_moment).allowed);
    EXPECT_FALSE(table.take(0, first_moment).allowed) << "who goes on asking is not forgotten";
    ASSERT_LE(table.size(), 100U);
  }
  EXPECT_TRUE(table.take(1, first_moment).allowed) << "forgotten";
}

TEST(bucket_table, shrinks_after_a_rush) {
  bucket_table table({.per_second = 1, .burst = 1}, 1000);
  for (std::uint64_t who = 0; who < 1000; ++who)
    table.take(who, first_moment);
  EXPECT_EQ(table.size(), 1000U);
  for (std::uint64_t who = 5000; who < 6000; ++who)
    table.take(who, first_moment + 1h + std::chrono::seconds{2 * (who - 5000)});
  EXPECT_LT(table.size(), 5U);
}

} // namespace
} // namespace kiln::access
