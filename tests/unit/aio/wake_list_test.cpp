// SPDX-License-Identifier: Apache-2.0
#include "aio/task_group.hpp"
#include "aio/wake_list.hpp"
#include "support/loop.hpp"

#include <memory>
#include <vector>

namespace kiln::aio {
namespace {

constexpr std::chrono::hours long_time{1};

class wake_list_test : public tests::loop_test {
protected:
  task<> sleep_and_count(std::shared_ptr<sleeper> by, clock::time_point until) {
    co_await by->wait(until);
    ++woken_;
  }

  task_group group_{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
  wake_list list_;
  int woken_ = 0;
};

TEST_F(wake_list_test, all_wake_at_once) {
  run([&]() -> task<> {
    std::vector<std::shared_ptr<sleeper>> all;
    for (int i = 0; i < 1000; ++i) {
      all.push_back(std::make_shared<sleeper>(executor(), list_));
      group_.spawn(sleep_and_count(all.back(), clock::now() + long_time));
    }
    EXPECT_EQ(woken_, 0);
    list_.wake_all();
    co_await group_.join();
    EXPECT_EQ(woken_, 1000);
  });
}

TEST_F(wake_list_test, a_wake_up_before_the_sleep_counts_once) {
  run([&]() -> task<> {
    sleeper s{executor(), list_};
    list_.wake_all();
    co_await s.wait(clock::now() + long_time);
    const auto began = clock::now();
    co_await s.wait(began + std::chrono::milliseconds{20});
    EXPECT_GE(clock::now() - began, std::chrono::milliseconds{20});
  });
}

TEST_F(wake_list_test, who_is_closed_sleeps_no_more) {
  run([&]() -> task<> {
    const auto s = std::make_shared<sleeper>(executor(), list_);
    group_.spawn(sleep_and_count(s, clock::now() + long_time));
    s->close();
    co_await group_.join();
    EXPECT_TRUE(s->is_closed());
    co_await s->wait(clock::now() + long_time);
  });
}

TEST_F(wake_list_test, a_sleeper_that_goes_leaves_the_list) {
  auto s = std::make_shared<sleeper>(executor(), list_);
  EXPECT_FALSE(list_.empty());
  s.reset();
  EXPECT_TRUE(list_.empty());
  list_.wake_all();
}

} // namespace
} // namespace kiln::aio
