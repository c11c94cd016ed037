// SPDX-License-Identifier: Apache-2.0
#include "http/incoming_body.hpp"

#include <boost/beast/http/error.hpp>

#include <string>
#include <utility>

namespace kiln::http {
namespace {

namespace asio = aio::asio;
namespace beast_http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t large_read_size = 256 * 1024; ///< for bodies that are handled while they arrive
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr refusal too_large{413, "the body is too large"};

} // namespace

aio::task<result<std::string_view>> session::incoming_body::read() {
  session_.body_.clear();
  if (session_.in_.size() < large_read_size && session_.in_begin_ == session_.in_end_)
    session_.in_.resize(large_read_size);
  while (session_.body_.empty() && !parser_.is_done()) {
    if (const auto bad = co_await more())
      co_return error{errc::invalid_input, std::string{bad->why}};
  }
  co_return std::string_view{session_.body_};
}

std::optional<std::uint64_t> session::incoming_body::length() const {
  const auto known = parser_.content_length();
  return known ? std::optional<std::uint64_t>{*known} : std::nullopt;
}

aio::task<std::optional<refusal>> session::incoming_body::read_whole() {
  const auto most = session_.service_.bounds().body_bytes;
  if (length().value_or(0) > most)
    co_return too_large;
  parser_.body_limit(most); // sum of the chunks
  session_.body_.reserve(static_cast<std::size_t>(length().value_or(0)));
  while (!parser_.is_done()) {
    if (const auto bad = co_await more())
      co_return bad;
  }
  co_return std::nullopt;
}

aio::task<std::optional<refusal>> session::incoming_body::more() {
  if (!broken_)
    broken_ = co_await step();
  co_return broken_;
}

/// Reads a part of it and appends it to body_.
aio::task<std::optional<refusal>> session::incoming_body::step() {
  auto& s = session_;
  const auto& bounds = s.service_.bounds();
  const refusal late{408, "the body did not come in time"}; // has no effect if the client is gone
  if (std::exchange(asks_continue_, false) && s.in_begin_ == s.in_end_) {
    s.out_ += continue_line;
    if (!co_await s.flush())
      co_return late;
  }
  s.keep_moving(phase::body, began_, bounds.body_time, received_);
  if (s.in_begin_ == s.in_end_ && !co_await s.read_more())
    co_return late;
  error_code ec;
  const auto used = parser_.put(asio::buffer(s.in_.data() + s.in_begin_, s.in_end_ - s.in_begin_), ec);
  s.in_begin_ += used;
  received_ += used;
  if (ec == beast_http::error::body_limit)
    co_return too_large;
  if (ec && ec != beast_http::error::need_more)
    co_return refusal{400, "the body is not framed as its header says"};
  if (ec && s.in_end_ - s.in_begin_ > bounds.head.header_bytes)
    co_return refusal{400, "a line of the chunked body is too long"};
  if (ec && s.in_begin_ != s.in_end_ && !co_await s.read_more())
    co_return late;
  co_return std::nullopt;
}

} // namespace kiln::http
