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
  /// No virtual function: to check one, UndefinedBehaviorSanitizer needs descriptors, and some tests have
  /// none.
  struct job {
    void (*call)(job&);
    std::exception_ptr failure = {};
  };
  template<class Work>
  struct job_of : job {
    explicit job_of(Work w) : job{&perform_it}, work(std::move(w)) {}
    static void perform_it(job& of) {
      auto& self = static_cast<job_of&>(of);
      self.value.emplace(self.work());
    }
    Work work;
    std::optional<std::invoke_result_t<Work&>> value;
  };

  task<> perform(job& work);

  asio::thread_pool pool_;
};

} // namespace kiln::aio
