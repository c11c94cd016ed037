// SPDX-License-Identifier: Apache-2.0
//
// Fixture for code that lives on the loop: runs one coroutine on a real io_context under a deadline and
// checks that the io_context runs out of work afterwards (nothing was left waiting).
#pragma once

#include "aio/task.hpp"

#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <functional>

namespace kiln::tests {

class loop_test : public testing::Test {
protected:
  /// Runs `body()` to its end, and the loop until no work is left, for at most `limit`. Exceptions fail the
  /// test.
  void run(std::function<aio::task<>()> body, std::chrono::seconds limit = std::chrono::seconds{30}) {
    bool ended = false;
    std::exception_ptr failure;
    context_.restart();
    aio::asio::co_spawn(context_.get_executor(), body(), [&](std::exception_ptr e) {
      ended = true;
      failure = e;
    });
    const auto end = aio::clock::now() + limit;
    while (!context_.stopped() && aio::clock::now() < end)
      context_.run_one_until(end);
    EXPECT_TRUE(ended) << "the coroutine did not end in time";
    EXPECT_TRUE(context_.stopped()) << "something still waits on the io_context";
    if (failure)
      std::rethrow_exception(failure);
  }

  [[nodiscard]] aio::executor_type executor() { return context_.get_executor(); }

  aio::asio::io_context context_{1};
};

} // namespace kiln::tests
