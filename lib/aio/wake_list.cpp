// SPDX-License-Identifier: Apache-2.0
#include "aio/wake_list.hpp"

#include <boost/asio/redirect_error.hpp>

#include <utility>

namespace kiln::aio {

sleeper::sleeper(executor_type loop, wake_list& woken_with) : timer_(loop) {
  woken_with.sleepers_.push_back(*this);
}

task<> sleeper::wait(clock::time_point until) {
  if (!closed_ && !std::exchange(woken_, false)) {
    boost::system::error_code ignored;
    timer_.expires_at(until);
    co_await timer_.async_wait(asio::redirect_error(use_task, ignored));
    woken_ = false;
  }
}

void sleeper::wake() {
  woken_ = true;
  timer_.cancel();
}

void sleeper::close() {
  closed_ = true;
  wake();
}

void wake_list::wake_all() {
  for (auto& each : sleepers_)
    each.wake();
}

} // namespace kiln::aio
