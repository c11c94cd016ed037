// SPDX-License-Identifier: Apache-2.0
#include "aio/task_group.hpp"
#include "support/loop.hpp"

#include <stdexcept>

namespace kiln::aio {
namespace {

using namespace std::chrono_literals;

task<> wait_for(executor_type executor, clock::duration time, int& ended) {
  timer t{executor, time};
  co_await t.async_wait(use_task);
  ++ended;
}

task<> throw_something() {
  throw std::runtime_error("broken");
  co_return;
}

class task_group_test : public tests::loop_test {};

TEST_F(task_group_test, join_waits_for_all) {
  int ended = 0;
  run([&]() -> task<> {
    task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(wait_for(executor(), 5ms, ended));
    group.spawn(wait_for(executor(), 1ms, ended));
    co_await group.join();
    EXPECT_EQ(ended, 2);
    EXPECT_TRUE(group.empty());
  });
}

TEST_F(task_group_test, cancel_ends_what_waits_without_a_report) {
  int ended = 0;
  run([&]() -> task<> {
    task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    for (int i = 0; i < 10; ++i)
      group.spawn(wait_for(executor(), 1h, ended));
    timer pause{executor(), 1ms}; // let them start to wait
    co_await pause.async_wait(use_task);
    group.cancel();
    co_await group.join();
    EXPECT_EQ(ended, 0);
  });
}

TEST_F(task_group_test, what_a_coroutine_throws_is_reported) {
  int failures = 0;
  run([&]() -> task<> {
    task_group group{executor(), [&](std::exception_ptr) { ++failures; }};
    group.spawn(throw_something());
    co_await group.join();
  });
  EXPECT_EQ(failures, 1);
}

TEST_F(task_group_test, an_empty_group_joins_at_once) {
  run([&]() -> task<> {
    task_group group{executor(), {}};
    co_await group.join();
  });
}

} // namespace
} // namespace kiln::aio
