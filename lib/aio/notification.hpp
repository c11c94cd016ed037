// SPDX-License-Identifier: Apache-2.0
//
// Coroutines wait here until something they look at has changed; they then look again, since others ran in
// between:
//     while (!condition) co_await changed.wait();
#pragma once

#include "aio/task.hpp"

namespace kiln::aio {

class notification {
public:
  explicit notification(executor_type executor) : never_(executor, timer::time_point::max()) {}

  /// Completes at the next notify_all(); throws if the waiting coroutine is cancelled.
  [[nodiscard]] task<> wait();

  /// Wakes every coroutine that waits now.
  void notify_all() { never_.cancel(); }

private:
  timer never_; // does not expire: a wait on it ends when the wait is cancelled
};

} // namespace kiln::aio
