// SPDX-License-Identifier: Apache-2.0
#include "aio/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

#include <cassert>

namespace kiln::aio {
namespace {

bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

} // namespace

task_group::task_group(executor_type executor, failure_handler on_failure)
    : executor_(executor), on_failure_(std::move(on_failure)), joined_(executor) {}

task_group::~task_group() {
  assert(members_.empty() && "join a task_group before it goes");
}

void task_group::spawn(task<> work) {
  const auto member = members_.emplace(members_.end());
  auto on_end = [this, member](const std::exception_ptr& failure) {
    members_.erase(member);
    if (failure && !is_cancellation(failure))
      on_failure_(failure);
    if (members_.empty())
      joined_.notify_all();
  };
  asio::co_spawn(executor_, std::move(work), asio::bind_cancellation_slot(member->slot(), std::move(on_end)));
}

void task_group::cancel(asio::cancellation_type kind) {
  // A coroutine may end, and so leave the list, while its signal is being emitted.
  for (auto member = members_.begin(); member != members_.end();)
    (member++)->emit(kind);
}

task<> task_group::join() {
  while (!members_.empty())
    co_await joined_.wait();
}

} // namespace kiln::aio
