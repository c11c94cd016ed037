// SPDX-License-Identifier: Apache-2.0
#include "policy/stop_ladder.hpp"

#include <gtest/gtest.h>

namespace kiln::policy {
namespace {

using action = stop_ladder::action;

TEST(stop_ladder, asks_first_and_kills_after_the_grace) {
  stop_ladder ladder;
  EXPECT_EQ(ladder.on_stop(), action::terminate);
  EXPECT_EQ(ladder.on_grace_over(), action::kill);
  EXPECT_EQ(ladder.on_grace_over(), action::none);
  EXPECT_EQ(ladder.on_stop(), action::none);
  EXPECT_EQ(ladder.on_leader_gone(), action::none);
}

TEST(stop_ladder, a_second_request_keeps_the_grace) {
  stop_ladder ladder;
  EXPECT_EQ(ladder.on_stop(), action::terminate);
  EXPECT_EQ(ladder.on_stop(), action::none);
  EXPECT_EQ(ladder.on_grace_over(), action::kill);
}

TEST(stop_ladder, a_kill_does_not_wait_for_the_grace) {
  for (const bool is_stopping : {false, true}) {
    stop_ladder ladder;
    if (is_stopping)
      (void)ladder.on_stop();
    EXPECT_EQ(ladder.on_kill(), action::kill) << is_stopping;
    EXPECT_EQ(ladder.on_kill(), action::none) << is_stopping;
    EXPECT_EQ(ladder.on_stop(), action::none) << is_stopping;
    EXPECT_EQ(ladder.on_grace_over(), action::none) << is_stopping;
  }
}

TEST(stop_ladder, what_a_leader_leaves_behind_is_ended_too) {
  stop_ladder ladder;
  EXPECT_EQ(ladder.on_leader_gone(), action::terminate);
  EXPECT_EQ(ladder.on_leader_gone(), action::none);
  EXPECT_EQ(ladder.on_grace_over(), action::kill);
}

TEST(stop_ladder, a_leader_that_goes_during_the_grace_does_not_restart_it) {
  stop_ladder ladder;
  EXPECT_EQ(ladder.on_stop(), action::terminate);
  EXPECT_EQ(ladder.on_leader_gone(), action::none);
  EXPECT_EQ(ladder.on_grace_over(), action::kill);
}

TEST(stop_ladder, an_empty_group_is_never_signalled) {
  for (int before = 0; before < 3; ++before) {
    stop_ladder ladder;
    for (int i = 0; i < before; ++i)
      (void)(i == 0 ? ladder.on_stop() : ladder.on_kill());
    ladder.on_group_empty();
    EXPECT_EQ(ladder.on_kill(), action::none) << before;
    EXPECT_EQ(ladder.on_stop(), action::none) << before;
    EXPECT_EQ(ladder.on_leader_gone(), action::none) << before;
    EXPECT_EQ(ladder.on_grace_over(), action::none) << before;
  }
}

TEST(stop_ladder, no_grace_is_running_at_first) {
  stop_ladder ladder;
  EXPECT_EQ(ladder.on_grace_over(), action::none);
}

} // namespace
} // namespace kiln::policy
