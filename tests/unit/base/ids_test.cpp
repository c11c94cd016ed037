// SPDX-License-Identifier: Apache-2.0
#include "base/ids.hpp"

#include <gtest/gtest.h>

namespace kiln {
namespace {

using std::chrono::milliseconds;

TEST(job_id, what_make_writes_parse_reads) {
  const auto id = job_id::make(milliseconds{1'700'000'000'123}, 0x2ff'ffff'ffffULL);
  EXPECT_EQ(id.str().size(), job_id::length);
  ASSERT_TRUE(job_id::parse(id.str()));
  EXPECT_EQ(*job_id::parse(id.str()), id);
}

TEST(job_id, sorts_by_time_whatever_the_random_part) {
  constexpr auto all = ~0ULL;
  for (long long ms : {0LL, 7LL, 8LL, 1'700'000'000'123LL, (1LL << 48) - 2})
    EXPECT_LT(job_id::make(milliseconds{ms}, all), job_id::make(milliseconds{ms + 1}, 0)) << ms;
}

TEST(job_id, random_parts_make_different_ids) {
  EXPECT_NE(job_id::make(milliseconds{5}, 1), job_id::make(milliseconds{5}, 2));
  EXPECT_NE(job_id::make(milliseconds{5}, 0), job_id::make(milliseconds{5}, 1ULL << 41));
}

TEST(webhook_id, is_never_taken_for_a_job) {
  const auto id = webhook_id::make(milliseconds{5}, 6);
  EXPECT_EQ(id.str().substr(1), job_id::make(milliseconds{5}, 6).str().substr(1));
  EXPECT_EQ(webhook_id::parse(id.str()), id);
  EXPECT_FALSE(job_id::parse(id.str()));
  EXPECT_FALSE(webhook_id::parse(job_id::make(milliseconds{5}, 6).str()));
}

TEST(job_id, refuses_what_it_did_not_write) {
  for (const char* bad :
       {"", "j", "123", "j00000000000000000", "j0000000000000000000", "k000000000000000000",
        "j00000000000000000/", "j00000000000000000i", "J000000000000000000", "j../../../../../../0"})
    EXPECT_FALSE(job_id::parse(bad)) << bad;
  EXPECT_TRUE(job_id::parse("j000000000000000000"));
}

TEST(attempt_id, is_a_path_component) {
  EXPECT_EQ((attempt_id{*job_id::parse("j000000000000000000"), 3}.str()), "j000000000000000000-3");
}

TEST(job_id, next_is_the_least_that_is_greater) {
  const auto id = *job_id::parse("j00000000000000000y");
  EXPECT_EQ(id.next().str(), "j00000000000000000z");
  EXPECT_EQ(id.next().next().str(), "j000000000000000010");
  EXPECT_EQ(job_id::parse("j0zzzzzzzzzzzzzzzzz")->next().str(), "j100000000000000000");
}

TEST(attempt_id, is_read_as_it_is_written) {
  const attempt_id id{*job_id::parse("j0123456789abcdefgh"), 12};
  EXPECT_EQ(attempt_id::parse(id.str()), id);
  for (const char* text : {"", "j0123456789abcdefgh", "j0123456789abcdefgh-", "j0123456789abcdefgh-0",
                           "j0123456789abcdefgh-01", "j0123456789abcdefgh--1", "j0123456789abcdefgh-1x",
                           "j0123456789abcdefgh_1", "j0123456789abcdefgh-99999999999", "../../etc"})
    EXPECT_FALSE(attempt_id::parse(text)) << text;
}

} // namespace
} // namespace kiln
