// SPDX-License-Identifier: Apache-2.0
#include "access/expiry.hpp"

#include <gtest/gtest.h>

namespace kiln::access {
namespace {

using namespace std::chrono_literals;

const date now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 20h};

TEST(expiry, a_date_is_written_as_it_is_read) {
  for (const char* good :
       {"1970-01-01T00:00:00Z", "2026-11-24T20:16:22Z", "2028-02-29T23:59:59Z", "9999-12-31T23:59:59Z"}) {
    ASSERT_TRUE(parse_date(good)) << good;
    EXPECT_EQ(format_date(*parse_date(good)), good);
  }
  EXPECT_EQ(*parse_date("2026-11-24T20:00:00Z"), now);
}

TEST(expiry, what_is_no_date_is_refused) {
  for (const char* bad : {"",
                          "2026",
                          "2026-11-24",
                          "2026-11-24T20:16:22",
                          "2026-11-24T20:16:22z",
                          "2026-11-24 20:16:22Z",
                          "2026-11-24T20:16:22+00:00",
                          "2026-11-24T20:16:22.0Z",
                          "2026-11-24T20:16Z",
                          "2026-00-24T20:16:22Z",
                          "2026-13-24T20:16:22Z",
                          "2026-02-29T20:16:22Z",
                          "2026-11-31T20:16:22Z",
                          "2026-11-00T20:16:22Z",
                          "2026-11-24T24:00:00Z",
                          "2026-11-24T20:60:00Z",
                          "2026-11-24T20:16:60Z",
                          "-026-11-24T20:16:22Z",
                          "2026-+1-24T20:16:22Z",
                          " 2026-11-24T20:16:22Z",
                          "2026-11-24T20:16:22Z ",
                          "２026-11-24T20:16:22Z"})
    EXPECT_FALSE(parse_date(bad)) << bad;
}

TEST(expiry, a_time_or_a_span_from_now) {
  EXPECT_EQ(*parse_expiry("2026-11-24T20:00:01Z", now), now + 1s);
  EXPECT_EQ(*parse_expiry("1m", now), now + 1min);
  EXPECT_EQ(*parse_expiry("12h", now), now + 12h);
  EXPECT_EQ(*parse_expiry("30d", now), now + 720h);
  EXPECT_EQ(*parse_expiry("36500d", now), now + 876'000h);
  for (const char* bad : {"",
                          "d",
                          "0d",
                          "-1d",
                          "+1d",
                          "1",
                          "1s",
                          "1D",
                          "1w",
                          "1 d",
                          " 1d",
                          "1d ",
                          "1.5d",
                          "1e3d",
                          "0x1d",
                          "never",
                          "36501d",
                          "876001h",
                          "52560001m",
                          "99999999999999999999d",
                          "9223372036854775807m",
                          "2026-11-24T20:00:00Z",
                          "2026-11-24T19:59:59Z",
                          "1970-01-01T00:00:00Z",
                          "9999-12-31T23:59:59Z",
                          "2026-12-31"}) {
    const auto read = parse_expiry(bad, now);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, errc::invalid_input) << bad;
  }
}

TEST(expiry, at_its_time_it_is_over) {
  EXPECT_FALSE(has_expired(std::nullopt, now));
  EXPECT_FALSE(has_expired(now + 1s, now));
  EXPECT_TRUE(has_expired(now, now));
}

} // namespace
} // namespace kiln::access
