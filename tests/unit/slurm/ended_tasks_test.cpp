// SPDX-License-Identifier: Apache-2.0
#include "slurm/ended_tasks.hpp"

#include <gtest/gtest.h>

namespace kiln::slurm {
namespace {

using namespace std::chrono_literals;
using names = std::vector<std::string>;

constexpr task_id first{7, 1}, second{7, 2};
const ended_tasks::time_point began{};

TEST(ended_tasks, what_slurm_no_longer_shows_is_forgotten) {
  ended_tasks ended;
  EXPECT_TRUE(ended.empty());
  ended.add(first, 3, began);
  EXPECT_EQ(ended.still_shown({}, 4, began + 1s, 5s), names{});
  EXPECT_FALSE(ended.empty()) << "that look may have begun before its end";
  EXPECT_EQ(ended.still_shown({}, 5, began + 2s, 5s), names{});
  EXPECT_TRUE(ended.empty());
}

TEST(ended_tasks, what_slurm_shows_for_too_long_is_named_and_again_after_a_while) {
  ended_tasks ended;
  ended.add(first, 3, began);
  ended.add(second, 3, began + 2s);
  EXPECT_EQ(ended.still_shown({first, second}, 5, began + 4s, 5s), names{});
  EXPECT_EQ(ended.still_shown({first, second}, 6, began + 5s, 5s), names{"7_1"});
  EXPECT_EQ(ended.still_shown({first, second}, 7, began + 7s, 5s), names{"7_2"});
  EXPECT_EQ(ended.still_shown({first}, 8, began + 10s, 5s), names{"7_1"}) << "scancel may have failed";
  EXPECT_EQ(ended.still_shown({}, 9, began + 11s, 5s), names{});
  EXPECT_TRUE(ended.empty());
}

TEST(ended_tasks, a_look_that_may_be_older_than_the_end_says_nothing) {
  ended_tasks ended;
  ended.add(first, 3, began);
  EXPECT_EQ(ended.still_shown({first}, 4, began + 9s, 5s), names{}) << "it was running then";
  EXPECT_EQ(ended.still_shown({first}, 5, began + 10s, 5s), names{"7_1"});
}

TEST(ended_tasks, the_first_end_counts) {
  ended_tasks ended;
  ended.add(first, 3, began);
  ended.add(first, 4, began + 4s);
  EXPECT_EQ(ended.still_shown({first}, 5, began + 5s, 5s), names{"7_1"});
}

} // namespace
} // namespace kiln::slurm
