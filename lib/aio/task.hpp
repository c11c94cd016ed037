// SPDX-License-Identifier: Apache-2.0
//
// Kiln's aliases for Asio: one io_context on one thread, its own executor type everywhere (no type erasure),
// coroutines that return task<T>.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace kiln::aio {

namespace asio = boost::asio;

using executor_type = asio::io_context::executor_type;
using clock = std::chrono::steady_clock;
using timer = asio::basic_waitable_timer<clock, asio::wait_traits<clock>, executor_type>;

/// A coroutine on the loop.
template<class T = void>
using task = asio::awaitable<T, executor_type>;

/// The completion token that makes an asynchronous operation awaitable in a task.
inline constexpr asio::use_awaitable_t<executor_type> use_task;

} // namespace kiln::aio
