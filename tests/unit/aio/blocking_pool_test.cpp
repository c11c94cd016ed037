// SPDX-License-Identifier: Apache-2.0
#include "aio/blocking_pool.hpp"
#include "support/loop.hpp"

#include <memory>
#include <stdexcept>
#include <thread>

namespace kiln::aio {
namespace {

class blocking_pool_test : public tests::loop_test {};

TEST_F(blocking_pool_test, work_runs_on_another_thread_and_its_value_comes_back_to_the_loop) {
  blocking_pool pool{1};
  const auto loop = std::this_thread::get_id();
  run([&]() -> task<> {
    const auto where = co_await pool.run([] { return std::this_thread::get_id(); });
    EXPECT_NE(where, loop);
    EXPECT_EQ(std::this_thread::get_id(), loop);
  });
}

TEST_F(blocking_pool_test, move_only_values_and_arguments_pass) {
  blocking_pool pool{2};
  run([&]() -> task<> {
    auto work = [in = std::make_unique<int>(20)] { return std::make_unique<int>(*in + 1); };
    const auto out = co_await pool.run(std::move(work));
    EXPECT_EQ(*out, 21);
  });
}

TEST_F(blocking_pool_test, an_exception_of_the_work_reaches_the_coroutine) {
  blocking_pool pool{1};
  bool caught = false;
  run([&]() -> task<> {
    auto work = []() -> int { throw std::runtime_error("disk on fire"); };
    try {
      (void)co_await pool.run(work);
    } catch (const std::runtime_error& e) {
      caught = std::string_view{e.what()} == "disk on fire";
    }
  });
  EXPECT_TRUE(caught);
}

} // namespace
} // namespace kiln::aio
