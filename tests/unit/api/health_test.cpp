// SPDX-License-Identifier: Apache-2.0
#include "aio/notification.hpp"
#include "api/health.hpp"
#include "support/loop.hpp"

#include <stdexcept>

namespace kiln::api {
namespace {

class health_test : public tests::loop_test {
protected:
  /// A look that takes until `answered_` is notified.
  health::look slow_look() {
    return [this]() -> aio::task<readiness> {
      ++looks_;
      co_await answered_.wait();
      co_return readiness{};
    };
  }

  static void ignore(const std::exception_ptr&) {}

  int looks_ = 0;
  aio::notification answered_{executor()};
};

TEST_F(health_test, what_is_known_needs_no_look) {
  health of{executor(), [] { return std::optional<std::string>{"no room"}; }, slow_look(), ignore};
  run([&]() -> aio::task<> {
    const auto found = co_await of.now();
    EXPECT_EQ(found.wrong, "no room");
  });
  EXPECT_EQ(looks_, 0);
}

TEST_F(health_test, a_look_that_takes_long_is_wrong_and_is_shared) {
  health of{executor(), [] { return std::optional<std::string>{}; }, slow_look(), ignore,
            std::chrono::milliseconds{20}};
  run([&]() -> aio::task<> {
    for (int i = 0; i < 3; ++i) {
      const auto late = co_await of.now();
      EXPECT_NE(late.wrong.value_or("").find("more than 0.02 s"), std::string::npos)
          << late.wrong.value_or("");
    }
    EXPECT_EQ(looks_, 1);
    answered_.notify_all();
    co_await of.join();
  });
}

TEST_F(health_test, who_waits_is_told_what_the_look_finds) {
  health of{executor(), [] { return std::optional<std::string>{}; }, slow_look(), ignore,
            std::chrono::seconds{20}};
  run([&]() -> aio::task<> {
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    int fine = 0;
    const auto ask = [&]() -> aio::task<> {
      const auto found = co_await of.now();
      fine += found.wrong ? 0 : 1;
    };
    group.spawn(ask());
    group.spawn(ask());
    aio::timer soon{executor(), std::chrono::milliseconds{10}};
    co_await soon.async_wait(aio::use_task);
    EXPECT_EQ(fine, 0);
    answered_.notify_all();
    co_await group.join();
    EXPECT_EQ(fine, 2);
    EXPECT_EQ(looks_, 1);
    group.spawn(ask());
    soon.expires_after(std::chrono::milliseconds{10});
    co_await soon.async_wait(aio::use_task);
    EXPECT_EQ(looks_, 2) << "a later one looks anew";
    answered_.notify_all();
    co_await group.join();
    co_await of.join();
  });
}

TEST_F(health_test, a_look_that_fails_is_wrong_and_harms_no_later_one) {
  bool fails = true;
  const auto look = [&]() -> aio::task<readiness> {
    if (fails)
      throw std::runtime_error("disk");
    co_return readiness{};
  };
  health of{executor(), [] { return std::optional<std::string>{}; }, look, ignore};
  run([&]() -> aio::task<> {
    const auto failed = co_await of.now();
    EXPECT_TRUE(failed.wrong);
    fails = false;
    co_await of.join();
    const auto fine = co_await of.now();
    EXPECT_FALSE(fine.wrong) << fine.wrong.value_or("");
    co_await of.join();
  });
}

} // namespace
} // namespace kiln::api
