// SPDX-License-Identifier: Apache-2.0
#include "process/timed_wait.hpp"

#include "aio/task_group.hpp"

#include <boost/asio/redirect_error.hpp>

namespace kiln::process {
namespace {

aio::task<> stop_when_late(child& program, aio::timer& limit, bool& is_late) {
  boost::system::error_code ec;
  co_await limit.async_wait(aio::asio::redirect_error(aio::use_task, ec));
  if (ec)
    co_return;
  is_late = true;
  program.stop();
}

} // namespace

aio::task<timed_end> wait_within(aio::executor_type loop, child& program, std::chrono::milliseconds limit) {
  timed_end end;
  aio::timer over{loop, limit};
  aio::task_group watch{loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
  watch.spawn(stop_when_late(program, over, end.is_late));
  end.exit = co_await program.wait();
  over.cancel();
  co_await watch.join();
  co_return end;
}

} // namespace kiln::process
