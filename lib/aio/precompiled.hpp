// SPDX-License-Identifier: Apache-2.0
//
// The headers that most files above this floor include, compiled once in builds with KILN_UNITY. No file
// includes this one, and every file includes what it uses: other builds have no precompiled headers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/system/result.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#if FMT_VERSION < 100000
// Where spdlog formats a line, each file would compile all of fmt's formatting again. The library has it, and
// newer versions say so themselves.
extern template void
fmt::detail::vformat_to<char>(fmt::detail::buffer<char>&, fmt::basic_string_view<char>,
                              fmt::basic_format_args<fmt::basic_format_context<fmt::appender, char>>,
                              fmt::detail::locale_ref);
#endif
