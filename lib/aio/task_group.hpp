// SPDX-License-Identifier: Apache-2.0
//
// Coroutines that are spawned, cancelled and joined as a group. The owner must join the group before anything
// its coroutines refer to is destroyed. Not for use from other threads.
#pragma once

#include "aio/notification.hpp"
#include "aio/task.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <exception>
#include <functional>
#include <list>

namespace kiln::aio {

class task_group {
public:
  /// Called with an exception of a coroutine in the group (never with that of its own cancellation).
  using failure_handler = std::function<void(std::exception_ptr)>;

  task_group(executor_type executor, failure_handler on_failure);
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;
  ~task_group(); ///< The group must be empty: join() first.

  void spawn(task<> work);

  /// Asks every coroutine of the group to end; they end at their next suspension.
  void cancel(asio::cancellation_type kind = asio::cancellation_type::terminal);

  /// Completes once no coroutine of the group is left.
  [[nodiscard]] task<> join();

  [[nodiscard]] bool empty() const noexcept { return members_.empty(); }

private:
  executor_type executor_;
  failure_handler on_failure_;
  std::list<asio::cancellation_signal> members_;
  notification joined_;
};

} // namespace kiln::aio
