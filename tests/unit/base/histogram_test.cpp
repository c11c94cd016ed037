// SPDX-License-Identifier: Apache-2.0
#include "base/histogram.hpp"

#include <gmock/gmock.h>

#include <array>

namespace kiln {
namespace {

using testing::ElementsAre;

constexpr std::array bounds{0.1, 1.0, 10.0};

TEST(histogram, begins_with_nothing) {
  const histogram h{bounds};
  EXPECT_THAT(h.counts(), ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(h.sum(), 0);
}

TEST(histogram, a_value_counts_below_the_first_bound_that_it_does_not_pass) {
  histogram h{bounds};
  for (const double value : {0.0, 0.1, 0.11, 1.0, 9.5, 10.0, 10.5, 1e9})
    h.add(value);
  EXPECT_THAT(h.counts(), ElementsAre(2, 2, 2, 2));
  EXPECT_DOUBLE_EQ(h.sum(), 0.1 + 0.11 + 1 + 9.5 + 10 + 10.5 + 1e9);
}

TEST(histogram, a_copy_goes_its_own_way) {
  histogram h{bounds};
  h.add(0.5);
  auto copy = h;
  copy.add(0.5);
  EXPECT_THAT(h.counts(), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(copy.counts(), ElementsAre(0, 2, 0, 0));
}

} // namespace
} // namespace kiln
