// SPDX-License-Identifier: Apache-2.0
#include "policy/session_keeping.hpp"

#include <gtest/gtest.h>

#include <array>

namespace kiln::policy {
namespace {

constexpr std::uint64_t mb = 1 << 20;
constexpr session_limits limits{.idle = 2, .idle_memory = 1000 * mb, .frames = 100};

TEST(session_keeping, wears_out_by_frames_and_by_memory_that_grows) {
  EXPECT_FALSE(is_worn_out({}, limits));
  EXPECT_FALSE(is_worn_out({.frames = 99, .first_memory = 100 * mb, .memory = 600 * mb}, limits));
  EXPECT_TRUE(is_worn_out({.frames = 100}, limits));
  EXPECT_TRUE(is_worn_out({.frames = 2, .first_memory = 100 * mb, .memory = 700 * mb}, limits));
  EXPECT_FALSE(is_worn_out({.frames = 2, .first_memory = 8000 * mb, .memory = 12000 * mb}, limits));
  EXPECT_FALSE(is_worn_out({.frames = 2, .first_memory = 0, .memory = 9000 * mb}, limits)) << "not known";
}

TEST(session_keeping, one_that_is_idle_rests) {
  using seconds = std::chrono::duration<double>;
  const session_look before{.memory = 1000 * mb, .cpu = seconds{50}, .at = seconds{100}};
  const auto is_ended = [&](std::uint64_t memory, double cpu) {
    return is_restless(before, {.memory = memory * mb, .cpu = seconds{cpu}, .at = seconds{102}});
  };
  EXPECT_FALSE(is_ended(1000, 50));
  EXPECT_FALSE(is_ended(1000, 50.05));
  EXPECT_TRUE(is_ended(1000, 50.15)) << "it spins on a busy machine";
  EXPECT_TRUE(is_ended(1000, 58)) << "with several threads";
  EXPECT_FALSE(is_ended(1370, 50));
  EXPECT_TRUE(is_ended(1400, 50)) << "it grows";
  EXPECT_FALSE(is_ended(10, 49)) << "one of its processes has ended";
}

TEST(session_keeping, the_one_used_the_longest_ago_goes_first) {
  const auto count = [](auto... memory) {
    return count_to_end(std::array<std::uint64_t, sizeof...(memory)>{memory * mb...}, limits);
  };
  EXPECT_EQ(count_to_end({}, limits), 0U);
  EXPECT_EQ(count(100ULL, 100ULL), 0U);
  EXPECT_EQ(count(100ULL, 100ULL, 100ULL), 1U) << "too many";
  EXPECT_EQ(count(900ULL, 200ULL), 1U) << "too much";
  EXPECT_EQ(count(100ULL, 1200ULL), 2U) << "the first does not help";
  EXPECT_EQ(count(1001ULL), 1U);
}

} // namespace
} // namespace kiln::policy
