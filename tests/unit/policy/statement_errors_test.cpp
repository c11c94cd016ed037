// SPDX-License-Identifier: Apache-2.0
#include "policy/statement_errors.hpp"
#include "unit/policy/hostile_input.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace kiln::policy {
namespace {

TEST(statement_errors, each_kind_has_its_own_before_a_frame_has_shown_it) {
  const statement_errors none;
  EXPECT_EQ(none.mean(.5, statement_kind::plain), 0);
  EXPECT_LT(none.mean(.1, statement_kind::tiles), -.3) << "tiles in the middle of the picture come first";
  EXPECT_LT(none.mean(.9, statement_kind::tiles), none.mean(.1, statement_kind::tiles));
  EXPECT_LT(none.mean(.1, statement_kind::bound), -1);
  EXPECT_GT(none.deviation(.1, statement_kind::bound), none.deviation(.1, statement_kind::plain));
}

TEST(statement_errors, are_learnt_from_the_frames_before) {
  statement_errors seen;
  for (int frame = 0; frame < 10; ++frame)
    seen.note(.05, 20, 5); // four times the remaining time
  EXPECT_NEAR(seen.mean(.05, statement_kind::plain), std::log(.25), .3);
  EXPECT_LT(seen.deviation(.05, statement_kind::plain), .3);
}

TEST(statement_errors, one_part_of_a_frame_says_little_of_another) {
  statement_errors seen;
  for (int frame = 0; frame < 10; ++frame) {
    seen.note(.05, 20, 5);
    seen.note(.6, 5, 5);
  }
  EXPECT_LT(seen.mean(.05, statement_kind::plain), -1);
  EXPECT_NEAR(seen.mean(.6, statement_kind::plain), 0, .1);
  EXPECT_LT(seen.mean(.2, statement_kind::plain), -.5) << "but its neighbour";
}

TEST(statement_errors, frames_that_differ_make_it_unsure) {
  statement_errors alike, unlike;
  for (int frame = 0; frame < 10; ++frame) {
    alike.note(.1, 10, 10);
    unlike.note(.1, 10, frame % 2 ? 3 : 30);
  }
  EXPECT_LT(alike.deviation(.1, statement_kind::plain), .2);
  EXPECT_GT(unlike.deviation(.1, statement_kind::plain), .8);
}

TEST(statement_errors, any_input_gives_numbers) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 3000; ++round) {
    statement_errors seen;
    for (int i = 0; i < 20; ++i)
      seen.note(hostile(random), hostile(random), hostile(random));
    for (const auto kind : {statement_kind::plain, statement_kind::tiles, statement_kind::bound}) {
      ASSERT_TRUE(std::isfinite(seen.mean(hostile(random), kind)));
      const double deviation = seen.deviation(hostile(random), kind);
      ASSERT_TRUE(std::isfinite(deviation) && deviation > 0);
    }
  }
}

} // namespace
} // namespace kiln::policy
