// SPDX-License-Identifier: Apache-2.0
#include "http/session.hpp"

#include "http/incoming_body.hpp"
#include "http/trace_context.hpp"

#include <boost/beast/http/error.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace kiln::http {
namespace {

namespace asio = aio::asio;
namespace beast_http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t write_size = 64 * 1024;  ///< answers are written once they have this size
constexpr std::size_t linger_bytes = 16 << 20; ///< bytes that a refused client may still send
constexpr std::chrono::milliseconds linger_time{2000};

/// For a line of the log.
std::string trace_word(const request& asked) {
  const auto trace = trace_id_of(asked);
  return trace.empty() ? std::string{} : fmt::format(" trace_id={}", trace);
}

} // namespace

session::session(tcp_socket socket, const ip_address& from, service& shared,
                 std::unique_ptr<places::place> mine, std::function<void()> on_timed)
    : connection_(std::move(socket), shared.tls(), shared.pool()), from_(from), service_(shared),
      is_proxy_(shared.proxies().trusts(from)), client_(from), peer_(format_ip_address(from)),
      place_(std::move(mine)), in_(read_size), on_timed_(std::move(on_timed)) {
  enter(phase::idle, service_.bounds().idle_time);
}

void session::enter(phase p, std::chrono::milliseconds time) {
  phase_ = p;
  deadline_ = aio::clock::now() + time;
  on_timed_();
}

/// The deadline of a transfer: progress within each `time`, at no less than the minimum rate.
void session::keep_moving(phase p, aio::clock::time_point began, std::chrono::milliseconds time,
                          std::uint64_t bytes) {
  enter(p, time);
  deadline_ = std::min(deadline_, began + time + std::chrono::seconds{bytes / service_.bounds().body_rate});
}

aio::task<> session::run() {
  error_code ec;
  enter(phase::idle, service_.bounds().header_time);
  co_await connection_.open(ec);
  if (ec)
    co_return;
  for (;;) {
    const std::string_view bytes{in_.data() + in_begin_, in_end_ - in_begin_};
    is_head_ = bytes.starts_with("HEAD ");
    next then = next::go_on;
    if (const auto size = scanner_.find_end(bytes)) {
      then = co_await serve(*size);
    } else if (const auto bad = scanner_.check(bytes, service_.bounds().head)) {
      then = reject(bad->status, bad->why, "");
    } else {
      // The available bytes are consumed.
      if (!out_.empty() && !co_await flush())
        co_return;
      if (finishing_ && bytes.empty())
        co_return;
      if (phase_ != phase::head)
        enter(bytes.empty() ? phase::idle : phase::head,
              bytes.empty() ? service_.bounds().idle_time : service_.bounds().header_time);
      if (bytes.empty())
        shrink_buffers();
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

/// A connection that waits for its next request uses no more memory than a new one.
void session::shrink_buffers() {
  for (auto* text : {&body_, &out_, &head_})
    if (text->capacity() > read_size)
      std::string{}.swap(*text);
  if (in_.capacity() > 2 * read_size) {
    in_begin_ = in_end_ = 0;
    std::vector<char>(read_size).swap(in_);
  }
}

aio::task<bool> session::read_more() {
  if (in_begin_ > 0) {
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  if (in_.size() - in_end_ < read_size / 2)
    in_.resize(in_.size() + read_size); // bounded: the head by its limit, a body is consumed as it arrives
  error_code ec;
  const auto room = asio::buffer(in_.data() + in_end_, in_.size() - in_end_);
  const auto size = co_await connection_.read_some(room, ec);
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
    done += co_await connection_.write_some(rest, ec);
    if (ec)
      co_return false; // after the first error the client no longer reads
  }
  out_.clear();
  phase_ = phase::idle;
  co_return true;
}

session::next session::reject(int status, std::string_view why, std::string_view path) {
  const auto problem = service_.error_answer(status, why, path);
  service_.write(out_, problem, service_.request_id({}), {.with_body = !is_head_, .close = true});
  service_.counted().refused(status);
  service_.log().debug("request refused status={} reason={}", status, why);
  return next::linger;
}

aio::task<session::next> session::serve(std::size_t head_size) {
  head_.assign(in_.data() + in_begin_, head_size);
  in_begin_ += head_size;
  if (head_.starts_with("\r\n"))
    head_.erase(0, 2); // see head_scanner
  is_head_ = head_.starts_with("HEAD ");
  scanner_ = {};
  if (const auto bad = check_head(head_, service_.bounds().head))
    co_return reject(bad->status, bad->why, "");

  request_parser parser{fields_, body_};
  parser.header_limit(static_cast<std::uint32_t>(head_size + 1));
  parser.body_limit(boost::none); // incoming_body has its own limit
  error_code ec;
  parser.put(asio::buffer(head_), ec);
  if (ec && ec != beast_http::error::need_more)
    co_return reject(400, "the header is broken", "");
  request asked;
  asked.method = parser.method();
  const auto target = split_target(parser.target());
  asked.path = target.path;
  asked.query = target.query;
  asked.fields = fields_;
  if (is_proxy_)
    find_client();
  asked.url = is_proxy_ && service_.url().is_empty() ? &url_ : &service_.url();
  asked.peer = peer_;
  asked.network = customer_network(client_);
  asked.client = this;
  co_return co_await respond(asked, parser);
}

void session::find_client() {
  const auto now = client_address(from_, fields_, service_.proxies());
  if (std::exchange(client_, now) != now)
    peer_ = format_ip_address(now);
  url_ = service_.url_behind(from_, fields_);
}

aio::task<session::next> session::respond(request& asked, request_parser& parser) {
  const auto expected = asked.find("Expect");
  if (expected && !equals_ignoring_case(*expected, "100-continue"))
    co_return reject(417, "the only expectation here is 100-continue", asked.path);
  const bool asks_continue = expected && parser.is_http_1_1(); // 1.0 has no 1xx
  incoming_body body{*this, parser, asks_continue};
  const auto id = service_.request_id(asked);
  auto chosen = service_.route(asked);
  if (client_ != from_ && !place_->assign(asked.network)) {
    chosen.run = nullptr;
    chosen.refused = service_.no_place(asked.path);
  }
  const auto& refused = chosen.refused;
  const auto* found = chosen.run;
  const bool is_large = found && std::holds_alternative<stream_handler>(*found);
  // A client that sent "Expect: 100-continue" is refused before it sends its body.
  if (!is_large && !(refused && asks_continue)) {
    const auto bad = co_await body.read_whole();
    if (bad && !(refused && bad->status == 413)) // a missing permission matters more
      co_return reject(bad->status, bad->why, asked.path);
    asked.body = body_;
  }
  asked_ = &asked;

  std::optional<answer> given;
  const auto began = aio::clock::now();
  has_waited_ = false;
  try {
    phase_ = phase::handling;
    if (refused) {
      given = *refused;
    } else if (is_large) {
      given = co_await std::get<stream_handler>(*found)(asked, body);
    } else {
      auto replied = std::get<handler>(*found)(asked);
      if (auto* now = replied.now())
        given = std::move(*now);
      else
        given = co_await wait_for(replied);
    }
  } catch (const std::exception& e) {
    service_.log().error("a request failed inside Kiln request={} path={}{} reason={}", id, asked.path,
                         trace_word(asked), e.what());
    given =
        service_.error_answer(500, "a defect of Kiln; the log has more under this request's id", asked.path);
  }
  if (const auto& broken = body.broken()) // whatever the handler answers
    given = service_.error_answer(broken->status, broken->why, asked.path);
  if (!has_waited_) // the time for which a client waits is not kilnd's
    service_.count(found, given->what->status(), aio::clock::now() - began);
  const service::framing how{.with_body = !is_head_,
                             .close = finishing_ || !body.is_whole() || !parser.is_http_1_1() ||
                                      !parser.keep_alive(),
                             .chunks = parser.is_http_1_1(),
                             .fields = chosen.fields,
                             .prefix = asked.url->prefix};
  service_.write(out_, *given, id, how);
  service_.report(asked, *given->what, id);
  if (service_.log().should_log(spdlog::level::debug))
    service_.log().debug("request status={} method={} request={} path={}{}", given->what->status(),
                         asked.method, id, asked.path, trace_word(asked));
  bool is_sent = true;
  if (how.with_body && given->large.index() != 0)
    is_sent = co_await send(*given, how);
  end_waiting();
  asked_ = nullptr;
  phase_ = phase::idle;
  if (!is_sent)
    co_return next::close;
  co_return how.close ? next::linger : next::go_on;
}

aio::task<answer> session::wait_for(reply& later) {
  // Earlier answers do not wait for this one. An error in sending them shows when this one is sent.
  if (!out_.empty())
    static_cast<void>(co_await flush());
  phase_ = phase::handling;
  co_return co_await later.later();
}

bool session::begin_waiting(std::function<void()> on_gone) {
  if (finishing_ || !place_ || !place_->begin_waiting())
    return false;
  has_waited_ = true;
  on_gone_ = std::move(on_gone);
  if (in_begin_ == in_end_) {
    in_begin_ = in_end_ = 0;
    std::vector<char>{}.swap(in_); // `in_ = {}` would keep its memory
  }
  connection_.watch([this] {
    if (const auto tell = std::exchange(on_gone_, nullptr))
      tell();
  });
  return true;
}

void session::end_waiting() {
  if (!place_)
    return;
  place_->end_waiting();
  if (is_proxy_)
    place_->unassign();
  on_gone_ = nullptr;
  connection_.unwatch();
}

aio::task<bool> session::send(const answer& what, const service::framing& how) {
  if (const auto* file = std::get_if<file_body>(&what.large))
    co_return co_await send_file(*file);
  if (const auto* parts = std::get_if<std::shared_ptr<body_stream>>(&what.large)) {
    const auto prefix = has_links(*what.what) ? how.prefix : std::string_view{};
    co_return co_await send_stream(**parts, prefix, how.chunks);
  }
  co_return true;
}

aio::task<bool> session::send_file(const file_body& what) {
  if (!co_await flush())
    co_return false;
  const auto began = aio::clock::now();
  for (std::uint64_t sent = 0; sent < what.length;) {
    keep_moving(phase::writing, began, service_.bounds().write_time, sent);
    error_code ec;
    sent += co_await connection_.send_file(what.file->get(), what.offset + sent, what.length - sent, ec);
    if (ec)
      co_return false;
  }
  co_return true;
}

aio::task<bool> session::send_stream(body_stream& parts, std::string_view prefix, bool in_chunks) {
  const auto length = parts.length();
  in_chunks = in_chunks && !length;
  std::uint64_t made = 0;
  try {
    for (;;) {
      if (!out_.empty() && !co_await flush())
        co_return false;
      phase_ = phase::handling;
      auto part = co_await parts.next();
      if (part.empty())
        break;
      made += part.size();
      std::string below;
      if (!prefix.empty())
        part = below = with_links_at(prefix, part);
      if (in_chunks)
        fmt::format_to(std::back_inserter(out_), "{:x}\r\n", part.size());
      out_ += part;
      if (in_chunks)
        out_ += "\r\n";
    }
  } catch (const std::exception& e) {
    service_.log().warn("an answer was cut: it could not be made to its end reason={}", e.what());
    co_return false;
  }
  if (in_chunks)
    out_ += "0\r\n\r\n";
  co_return !length || made == *length;
}

aio::task<> session::linger() {
  // Closing with unread bytes would reset the connection, and the client would lose the answer.
  enter(phase::lingering, linger_time);
  co_await connection_.close_output();
  in_.resize(read_size);
  error_code ec;
  std::size_t thrown_away = 0;
  while (!ec && thrown_away < linger_bytes)
    thrown_away += co_await connection_.read_some(asio::buffer(in_), ec);
}

aio::task<> session::refuse() {
  error_code ec;
  co_await connection_.open(ec);
  if (ec)
    co_return;
  const auto refused = service_.no_place("");
  service_.counted().refused(503);
  service_.write(out_, refused, service_.request_id({}), {.close = true});
  if (co_await flush())
    co_await linger();
}

void session::on_tick(aio::clock::time_point now) {
  if (phase_ == phase::handling || now < deadline_)
    return;
  timed_out_ = true;
  if (phase_ == phase::head || phase_ == phase::body)
    connection_.cancel(); // run() answers 408
  else
    abort();
}

void session::finish() {
  finishing_ = true;
  if (const auto tell = std::exchange(on_gone_, nullptr))
    tell();
  else if (phase_ != phase::handling && phase_ != phase::writing)
    abort(); // no acknowledged request is lost
}

void session::finish_if_not_admitted() {
  if (asked_ && !service_.still_admits(*asked_))
    finish();
}

void session::abort() {
  connection_.close();
}

} // namespace kiln::http
