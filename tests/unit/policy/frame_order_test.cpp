// SPDX-License-Identifier: Apache-2.0
#include "policy/frame_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace kiln::policy {
namespace {

using domain::frame_order;
using domain::frame_set;
using frames = std::vector<int>;

frame_set set(const char* text) {
  return *frame_set::parse(text);
}

TEST(frame_order, ascending) {
  EXPECT_EQ(next_frames(set("1-9"), set("3-9x2"), frame_order::ascending, 2), (frames{3, 5}));
  EXPECT_EQ(next_frames(set("1-9"), {}, frame_order::ascending, 2), frames{});
}

TEST(frame_order, spread_is_first_last_middle_then_halves) {
  const auto all = set("1-9");
  EXPECT_EQ(next_frames(all, all, frame_order::spread, 100), (frames{1, 9, 5, 3, 7, 2, 4, 6, 8}));
  EXPECT_EQ(next_frames(set("10-50x10"), set("10-50x10"), frame_order::spread, 3), (frames{10, 50, 30}));
  EXPECT_EQ(next_frames(all, set("2-4,8"), frame_order::spread, 3), (frames{3, 2, 4}))
      << "what is done stays out";
  EXPECT_EQ(next_frames(set("7"), set("7"), frame_order::spread, 3), frames{7});
  EXPECT_EQ(next_frames(set("7,9"), set("7,9"), frame_order::spread, 3), (frames{7, 9}));
}

TEST(frame_order, spread_leaves_no_frame_out_and_takes_none_twice) {
  for (int count = 1; count < 300; ++count) {
    const auto all = *frame_set::range(1, count);
    auto order = next_frames(all, all, frame_order::spread, 1000);
    std::ranges::sort(order);
    ASSERT_EQ(order, (frames{all.begin(), all.end()})) << count;
  }
  const auto many = *frame_set::range(0, domain::max_frame);
  EXPECT_EQ(next_frames(many, many, frame_order::spread, 2'000'000).size(), many.size());
}

} // namespace
} // namespace kiln::policy
