// SPDX-License-Identifier: Apache-2.0
//
// Runs calls that may block (disk, name lookups), so that the loop does not block. Work takes values and
// returns a value: it must not access state of the loop.
#pragma once

#include "aio/task.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace kiln::aio {

class blocking_pool {
public:
  explicit blocking_pool(std::size_t threads) : pool_(threads) {}

  /// Runs `work()` on a thread of the pool; the awaiting coroutine resumes on the loop with its result. An
  /// exception of the work is rethrown there. Work that has begun is not cancelled: the coroutine waits for
  /// its end.
  template<class Work>
  [[nodiscard]] task<std::invoke_result_t<Work&>> run(Work work) {
    using value_type = std::invoke_result_t<Work&>;
    static_assert(!std::is_void_v<value_type>, "blocking work returns a value");
    outcome<value_type> done = co_await start(std::move(work));
    if (done.failure)
      std::rethrow_exception(done.failure);
    co_return std::move(*done.value);
  }

  /// Waits for all work; accepts none afterwards.
  void join() { pool_.join(); }

private:
  template<class T>
  struct outcome {
    std::optional<T> value;
    std::exception_ptr failure;
  };

  template<class Work>
  task<outcome<std::invoke_result_t<Work&>>> start(Work work) {
    using done_type = outcome<std::invoke_result_t<Work&>>;
    auto initiate = [this, w = std::move(work)](auto handler) mutable {
      auto back = asio::get_associated_executor(handler);
      auto guard = asio::make_work_guard(back);
      auto job = [w = std::move(w), handler = std::move(handler), back, guard = std::move(guard)]() mutable {
        done_type done;
        try {
          done.value.emplace(w());
        } catch (...) {
          done.failure = std::current_exception();
        }
        auto resume = [handler = std::move(handler), done = std::move(done)]() mutable {
          std::move(handler)(std::move(done));
        };
        asio::post(back, std::move(resume));
      };
      asio::post(pool_, std::move(job));
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<executor_type>, void(done_type)>(
        std::move(initiate), use_task);
  }

  asio::thread_pool pool_;
};

} // namespace kiln::aio
