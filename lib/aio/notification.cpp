// SPDX-License-Identifier: Apache-2.0
#include "aio/notification.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

namespace kiln::aio {

task<> notification::wait() {
  (void)co_await never_.async_wait(asio::as_tuple(use_task));
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != asio::cancellation_type::none)
    throw boost::system::system_error(asio::error::operation_aborted);
}

} // namespace kiln::aio
