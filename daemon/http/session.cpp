// SPDX-License-Identifier: Apache-2.0
#include "http/session.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/beast/http/error.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

namespace kiln::http {
namespace {

namespace asio = aio::asio;
namespace beast_http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t write_size = 64 * 1024;  ///< answers are written when there is so much
constexpr std::size_t linger_bytes = 16 << 20; ///< that a refused client may still send
constexpr std::chrono::milliseconds linger_time{2000};
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

} // namespace

session::session(tcp_socket socket, service& shared)
    : socket_(std::move(socket)), service_(shared), in_(read_size) {
  error_code ec;
  const auto remote = socket_.remote_endpoint(ec);
  if (!ec)
    peer_ = remote.address().to_string();
  enter(phase::idle, service_.bounds().idle_time);
}

void session::enter(phase p, std::chrono::milliseconds time) {
  phase_ = p;
  deadline_ = aio::clock::now() + time;
}

aio::task<> session::run() {
  for (;;) {
    const std::string_view bytes{in_.data() + in_begin_, in_end_ - in_begin_};
    next then = next::go_on;
    if (const auto size = scanner_.find_end(bytes)) {
      then = co_await serve(*size);
    } else if (const auto bad = scanner_.check(bytes, service_.bounds().head)) {
      then = reject(bad->status, bad->why, "");
    } else {
      // Nothing more to be done with what is there.
      if (!out_.empty() && !co_await flush())
        co_return;
      if (finishing_ && bytes.empty())
        co_return;
      if (phase_ != phase::head)
        enter(bytes.empty() ? phase::idle : phase::head,
              bytes.empty() ? service_.bounds().idle_time : service_.bounds().header_time);
      if (co_await read_more())
        continue;
      if (!timed_out_ || phase_ == phase::idle)
        co_return;
      then = reject(408, "the header did not come in time", "");
    }
    if (then == next::go_on && (out_.size() < write_size || co_await flush()))
      continue;
    if (then == next::go_on || !co_await flush())
      co_return;
    if (then == next::linger)
      co_await linger();
    co_return;
  }
}

aio::task<bool> session::read_more() {
  if (in_begin_ > 0) {
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  if (in_.size() - in_end_ < read_size / 2)
    in_.resize(in_.size() + read_size); // bounded: the head by its limit, a body is used up as it comes
  error_code ec;
  const auto room = asio::buffer(in_.data() + in_end_, in_.size() - in_end_);
  const auto size = co_await socket_.async_read_some(room, asio::redirect_error(aio::use_task, ec));
  in_end_ += size;
  if (phase_ == phase::idle && size > 0)
    enter(phase::head, service_.bounds().header_time);
  co_return !ec;
}

aio::task<bool> session::flush() {
  enter(phase::writing, service_.bounds().write_time);
  std::size_t done = 0;
  while (done < out_.size()) {
    error_code ec;
    const auto rest = asio::buffer(out_.data() + done, out_.size() - done);
    done += co_await socket_.async_write_some(rest, asio::redirect_error(aio::use_task, ec));
    if (ec)
      co_return false; // leave at the first error: nobody reads any more
  }
  out_.clear();
  phase_ = phase::idle;
  co_return true;
}

session::next session::reject(int status, std::string_view why, std::string_view path) {
  const auto problem = service_.error_answer(status, why, path);
  service_.write(out_, problem, service_.request_id({}), true, true);
  service_.log().debug("request refused status={} reason={}", status, why);
  return next::linger;
}

aio::task<std::optional<refusal>> session::read_body(request_parser& parser) {
  const auto began = aio::clock::now();
  const auto& bounds = service_.bounds();
  std::size_t received = 0;
  while (!parser.is_done()) {
    phase_ = phase::body;
    deadline_ = began + bounds.body_time + std::chrono::seconds{received / bounds.body_rate};
    if (in_begin_ == in_end_ && !co_await read_more())
      co_return refusal{408, "the body did not come in time"}; // or the client is gone: then nobody hears it
    error_code ec;
    const auto used = parser.put(asio::buffer(in_.data() + in_begin_, in_end_ - in_begin_), ec);
    in_begin_ += used;
    received += used;
    if (ec == beast_http::error::body_limit)
      co_return refusal{413, "the body is too large"};
    if (ec && ec != beast_http::error::need_more)
      co_return refusal{400, "the body is not framed as its header says"};
    if (in_end_ - in_begin_ > bounds.head.header_bytes)
      co_return refusal{400, "a line of the chunked body is too long"};
    if (ec && in_begin_ != in_end_ && !co_await read_more())
      co_return refusal{408, "the body did not come in time"};
  }
  co_return std::nullopt;
}

aio::task<session::next> session::serve(std::size_t head_size) {
  head_.assign(in_.data() + in_begin_, head_size);
  in_begin_ += head_size;
  if (head_.starts_with("\r\n"))
    head_.erase(0, 2); // see head_scanner
  scanner_ = {};
  const auto& bounds = service_.bounds();
  if (const auto bad = check_head(head_, bounds.head))
    co_return reject(bad->status, bad->why, "");

  request_parser parser{fields_, body_};
  parser.header_limit(static_cast<std::uint32_t>(head_size + 1));
  parser.body_limit(bounds.body_bytes);
  error_code ec;
  parser.put(asio::buffer(head_), ec);
  request asked;
  asked.method = parser.method();
  const auto target = split_target(parser.target());
  asked.path = target.path;
  asked.query = target.query;
  asked.fields = fields_;
  asked.peer = peer_;
  if (ec == beast_http::error::body_limit)
    co_return reject(413, "the body is too large", asked.path);
  if (ec && ec != beast_http::error::need_more)
    co_return reject(400, "the header is broken", "");
  const auto id = service_.request_id(asked);

  if (const auto expected = asked.find("Expect")) {
    if (!equals_ignoring_case(*expected, "100-continue"))
      co_return reject(417, "the only expectation here is 100-continue", asked.path);
    if (!parser.is_done() && in_begin_ == in_end_ && parser.is_http_1_1()) { // 1.0 knows no 1xx
      out_ += continue_line;
      if (!co_await flush())
        co_return next::close;
    }
  }
  if (const auto bad = co_await read_body(parser))
    co_return reject(bad->status, bad->why, asked.path);
  asked.body = body_;

  phase_ = phase::handling;
  auto chosen = service_.route(asked);
  std::optional<answer> given;
  try {
    if (auto* refused = std::get_if<answer>(&chosen)) {
      given = std::move(*refused);
    } else {
      auto replied = (*std::get<const handler*>(chosen))(asked);
      if (auto* now = replied.now()) {
        given = std::move(*now);
      } else {
        if (!out_.empty() && !co_await flush())
          co_return next::close;
        phase_ = phase::handling;
        given = co_await replied.later();
      }
    }
  } catch (const std::exception& e) {
    service_.log().error("a request failed inside Kiln request={} path={} reason={}", id, asked.path,
                         e.what());
    given =
        service_.error_answer(500, "a defect of Kiln; the log has more under this request's id", asked.path);
  }
  const bool close = finishing_ || !parser.is_http_1_1() || !parser.keep_alive();
  service_.write(out_, *given, id, asked.method != "HEAD", close);
  if (service_.log().should_log(spdlog::level::debug))
    service_.log().debug("request status={} method={} request={} path={}", given->what->status(),
                         asked.method, id, asked.path);
  phase_ = phase::idle;
  co_return close ? next::linger : next::go_on;
}

aio::task<> session::linger() {
  // Closing with unread bytes would reset the connection, and the client would lose the answer.
  error_code ec;
  socket_.shutdown(tcp_socket::shutdown_send, ec);
  enter(phase::lingering, linger_time);
  std::size_t thrown_away = 0;
  while (!ec && thrown_away < linger_bytes)
    thrown_away +=
        co_await socket_.async_read_some(asio::buffer(in_), asio::redirect_error(aio::use_task, ec));
}

aio::task<> session::refuse(int retry_after) {
  auto refused = service_.error_answer(503, "there are too many connections", "");
  refused.retry_after = retry_after;
  service_.write(out_, refused, service_.request_id({}), true, true);
  if (co_await flush())
    co_await linger();
}

void session::on_tick(aio::clock::time_point now) {
  if (phase_ == phase::handling || now < deadline_)
    return;
  timed_out_ = true;
  if (phase_ == phase::head || phase_ == phase::body)
    socket_.cancel(); // run() answers 408
  else
    abort();
}

void session::finish() {
  finishing_ = true;
  if (phase_ != phase::handling && phase_ != phase::writing)
    abort(); // nothing that was acknowledged is lost with it
}

void session::abort() {
  error_code ignored;
  socket_.close(ignored);
}

} // namespace kiln::http
