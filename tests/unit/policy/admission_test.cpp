// SPDX-License-Identifier: Apache-2.0
#include "policy/admission.hpp"

#include <gtest/gtest.h>

namespace kiln::policy {
namespace {

TEST(admission, starts_queues_or_refuses) {
  const capacity limits{.slots = 2, .max_queued = 3};
  EXPECT_EQ(decide_admission({.running = 0, .queued = 0}, limits), admission::start);
  EXPECT_EQ(decide_admission({.running = 1, .queued = 0}, limits), admission::start);
  EXPECT_EQ(decide_admission({.running = 2, .queued = 0}, limits), admission::queue);
  EXPECT_EQ(decide_admission({.running = 2, .queued = 2}, limits), admission::queue);
  EXPECT_EQ(decide_admission({.running = 2, .queued = 3}, limits), admission::refuse);
}

TEST(admission, nobody_overtakes_a_queue) {
  EXPECT_EQ(decide_admission({.running = 0, .queued = 1}, {.slots = 1, .max_queued = 3}), admission::queue);
}

TEST(admission, no_queue_at_all_is_a_valid_choice) {
  EXPECT_EQ(decide_admission({.running = 0, .queued = 0}, {.slots = 1, .max_queued = 0}), admission::start);
  EXPECT_EQ(decide_admission({.running = 1, .queued = 0}, {.slots = 1, .max_queued = 0}), admission::refuse);
}

} // namespace
} // namespace kiln::policy
