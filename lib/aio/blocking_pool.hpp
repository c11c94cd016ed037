// SPDX-License-Identifier: Apache-2.0
//
// Runs calls that may block (disk, name lookups), so that the loop does not block. Work takes values and
// returns a value: it must not access state of the loop.
#pragma once

#include "aio/task.hpp"

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
    static_assert(!std::is_void_v<std::invoke_result_t<Work&>>, "blocking work returns a value");
    job_of<Work> job{std::move(work)};
    co_await perform(job);
    if (job.failure)
      std::rethrow_exception(job.failure);
    co_return std::move(*job.value);
  }

  /// Waits for all work; accepts none afterwards.
  void join() { pool_.join(); }

private:
  /// Lives in the frame of run(), which the pool keeps alive. What Asio needs is compiled once for all works.
  struct job {
    virtual void call() = 0;
    std::exception_ptr failure;

  protected:
    ~job() = default;
  };
  template<class Work>
  struct job_of final : job {
    explicit job_of(Work w) : work(std::move(w)) {}
    void call() override { value.emplace(work()); }
    Work work;
    std::optional<std::invoke_result_t<Work&>> value;
  };

  task<> perform(job& work);

  asio::thread_pool pool_;
};

} // namespace kiln::aio
