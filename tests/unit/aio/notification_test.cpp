// SPDX-License-Identifier: Apache-2.0
#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "support/loop.hpp"

namespace kiln::aio {
namespace {

class notification_test : public tests::loop_test {};

task<> wait_until(notification& changed, const bool& condition, int& woken) {
  while (!condition)
    co_await changed.wait();
  ++woken;
}

task<> pause(executor_type executor) {
  timer t{executor, std::chrono::milliseconds{1}};
  co_await t.async_wait(use_task);
}

TEST_F(notification_test, wakes_all_that_wait) {
  notification changed{executor()};
  bool condition = false;
  int woken = 0;
  run([&]() -> task<> {
    task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    for (int i = 0; i < 3; ++i)
      group.spawn(wait_until(changed, condition, woken));
    co_await pause(executor());
    changed.notify_all(); // nothing changed: they wait on
    co_await pause(executor());
    EXPECT_EQ(woken, 0);
    condition = true;
    changed.notify_all();
    co_await group.join();
  });
  EXPECT_EQ(woken, 3);
}

TEST_F(notification_test, a_cancelled_wait_ends) {
  notification changed{executor()};
  const bool never = false;
  int woken = 0;
  run([&]() -> task<> {
    task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(wait_until(changed, never, woken));
    co_await pause(executor());
    group.cancel();
    co_await group.join();
  });
  EXPECT_EQ(woken, 0);
}

} // namespace
} // namespace kiln::aio
