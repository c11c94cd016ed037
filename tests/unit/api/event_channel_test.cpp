// SPDX-License-Identifier: Apache-2.0
#include "api/event_channel.hpp"

#include <gtest/gtest.h>

namespace kiln::api {
namespace {

std::string rest(const event_channel& c, std::uint64_t position) {
  std::string out;
  while (position < c.end())
    EXPECT_TRUE(c.read(position, out));
  return out;
}

TEST(event_channel, who_comes_back_misses_nothing) {
  event_channel c{4};
  for (const std::uint64_t id : {5, 7, 8})
    c.add(id, std::to_string(id));
  EXPECT_EQ(rest(c, *c.position_after(4)), "578");
  EXPECT_EQ(rest(c, *c.position_after(5)), "78");
  EXPECT_EQ(rest(c, *c.position_after(6)), "78") << "not every revision is told";
  EXPECT_EQ(rest(c, *c.position_after(8)), "");
  EXPECT_FALSE(c.position_after(3)) << "what came after it is not known any more";
  EXPECT_FALSE(c.position_after(9)) << "nobody can know that";
}

TEST(event_channel, what_is_old_is_dropped) {
  event_channel c{0};
  for (std::uint64_t id = 1; id <= 1000; ++id)
    c.add(id, "x");
  EXPECT_FALSE(c.position_after(1));
  EXPECT_EQ(rest(c, *c.position_after(990)).size(), 10U);
  std::uint64_t slow = 1;
  std::string out;
  EXPECT_FALSE(c.read(slow, out));
  EXPECT_EQ(slow, c.end()) << "it goes on from now";
}

TEST(event_channel, its_memory_is_bounded) {
  event_channel c{0};
  for (std::uint64_t id = 1; id <= 20; ++id)
    c.add(id, std::string(100'000, 'x'));
  EXPECT_FALSE(c.position_after(17));
  EXPECT_EQ(rest(c, *c.position_after(18)).size(), 200'000U);
  c.add(21, std::string(1'000'000, 'x'));
  EXPECT_EQ(rest(c, *c.position_after(20)).size(), 1'000'000U) << "the newest is always there";
}

TEST(event_channel, some_at_a_time) {
  event_channel c{0};
  for (std::uint64_t id = 1; id <= 3; ++id)
    c.add(id, std::string(50'000, 'x'));
  std::uint64_t position = 0;
  std::string out;
  EXPECT_TRUE(c.read(position, out));
  EXPECT_EQ(out.size(), 100'000U);
  EXPECT_EQ(position, 2U);
}

TEST(event_channel, what_passes_is_forgotten_at_the_end) {
  event_channel c{0};
  c.add(1, "a");
  c.add(0, "progress");
  c.add(2, "b");
  EXPECT_EQ(rest(c, *c.position_after(0)), "aprogressb");
  c.drop_passing();
  EXPECT_EQ(rest(c, *c.position_after(0)), "ab");
  EXPECT_EQ(rest(c, *c.position_after(1)), "b");
}

} // namespace
} // namespace kiln::api
