// SPDX-License-Identifier: Apache-2.0
#include "aio/blocking_pool.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

namespace kiln::aio {

task<> blocking_pool::perform(job& work) {
  auto initiate = [this, &work](auto handler) {
    auto back = asio::get_associated_executor(handler);
    auto guard = asio::make_work_guard(back);
    auto on_thread = [&work, handler = std::move(handler), back, guard = std::move(guard)]() mutable {
      try {
        work.call(work);
      } catch (...) {
        work.failure = std::current_exception();
      }
      asio::post(back, std::move(handler));
    };
    asio::post(pool_, std::move(on_thread));
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<executor_type>, void()>(std::move(initiate),
                                                                                    use_task);
}

} // namespace kiln::aio
