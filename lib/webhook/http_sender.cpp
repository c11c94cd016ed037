// SPDX-License-Identifier: Apache-2.0
#include "webhook/http_sender.hpp"

#include "aio/asio_address.hpp"
#include "aio/name_lookup.hpp"
#include "aio/tls_client.hpp"
#include "base/scope_exit.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace kiln::webhook {

namespace asio = aio::asio;
namespace ssl = asio::ssl;
using boost::system::error_code;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, aio::executor_type>;

namespace {

constexpr std::size_t name_threads = 4; // one per concurrent letter: a slow lookup delays only its own
constexpr std::size_t most_thrown_away = 64 * 1024;
constexpr std::chrono::milliseconds drain_time{1000}; // until a receiver has closed, as requested

/// Values come from kilnd itself and from parse_http_url(): nothing in them can end a line.
std::string request_text(const target& to, const letter& what, const std::string& user_agent) {
  std::string out;
  auto at = std::back_inserter(out);
  fmt::format_to(at, "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nContent-Type: application/json\r\n",
                 to.path, to.host_field, user_agent);
  for (const auto& [name, value] : what.fields)
    fmt::format_to(at, "{}: {}\r\n", name, value);
  fmt::format_to(at, "Content-Length: {}\r\nConnection: close\r\n\r\n{}", what.body.size(), what.body);
  return out;
}

} // namespace

/// Closed at its deadline, or when no coroutine waits for it.
struct http_sender::connection : std::enable_shared_from_this<connection> {
  explicit connection(aio::executor_type loop) : socket(loop), over(loop) {}

  void end_after(std::chrono::milliseconds time) {
    over.expires_after(time);
    over.async_wait([self = shared_from_this()](const error_code& ec) {
      if (!ec) {
        self->is_late = true;
        self->close();
      }
    });
  }

  void close() {
    error_code ignored;
    socket.close(ignored);
  }

  tcp_socket socket;
  aio::timer over;
  bool is_late = false;
};

result<std::unique_ptr<http_sender>> http_sender::make(aio::executor_type loop, sender_settings s) {
  std::optional<ssl::context> tls;
  if (!s.targets.empty() || !s.ca_file.empty()) { // it takes some MB
    auto made = aio::make_tls_client(s.ca_file);
    if (!made)
      return error{made.error().code, "webhook_ca_file: " + made.error().message};
    tls.emplace(std::move(*made));
  }
  return std::unique_ptr<http_sender>{new http_sender(loop, std::move(s), std::move(tls))};
}

http_sender::http_sender(aio::executor_type loop, sender_settings s, std::optional<ssl::context> tls)
    : loop_(loop), settings_(std::move(s)), tls_(std::move(tls)),
      names_(settings_.targets.empty() ? 1 : name_threads) {}

http_sender::~http_sender() {
  names_.join();
}

void http_sender::abort() {
  aborted_ = true;
  for (auto* one : open_)
    one->close();
}

aio::task<result<std::vector<http_sender::endpoint>>> http_sender::resolve(target to) {
  std::vector<asio::ip::address> known;
  if (to.literal) {
    known.push_back(aio::to_asio(*to.literal));
  } else {
    const auto look = [name = to.host] { return aio::look_up(name); };
    auto found = co_await names_.run(look);
    if (!found)
      co_return found.error();
    known = std::move(*found);
  }
  std::vector<endpoint> allowed;
  for (const auto& one : known)
    if (settings_.targets.may_connect(to, aio::from_asio(one)))
      allowed.emplace_back(one, to.port);
  if (allowed.empty() && !known.empty())
    co_return error{errc::invalid_input,
                    fmt::format("{} has the address {}, which is not public, and webhooks may go there only "
                                "when webhook_target lists it, as an address or a network with port {}",
                                to.host, known.front().to_string(), to.port)};
  co_return allowed;
}

template<class Stream>
aio::task<sent> http_sender::exchange(Stream& over, connection& mine, const target& to, letter what) {
  error_code ec;
  const auto text = request_text(to, what, settings_.user_agent);
  co_await asio::async_write(over, asio::buffer(text), asio::redirect_error(aio::use_task, ec));
  if (ec)
    co_return sent{.error = fmt::format("it did not take the request: {}", ec.message())};
  answer_reader in;
  std::optional<sent> out;
  while (!out) {
    const auto room = in.room();
    const auto buffer = asio::buffer(room.data(), room.size());
    const auto size = co_await over.async_read_some(buffer, asio::redirect_error(aio::use_task, ec));
    if (ec)
      co_return sent{.error = fmt::format("it closed the connection without an answer: {}", ec.message())};
    out = in.take(size);
  }
  if (!out->status)
    co_return std::move(*out);

  // Closing with unread bytes would reset the connection, and confuse the receiver.
  mine.end_after(drain_time);
  std::array<char, 4096> rest;
  for (auto thrown_away = in.unread(); !ec && thrown_away < most_thrown_away;)
    thrown_away += co_await over.async_read_some(asio::buffer(rest), asio::redirect_error(aio::use_task, ec));
  co_return std::move(*out);
}

aio::task<sent> http_sender::send(letter what) {
  const auto to = parse_http_url(what.url);
  if (!to)
    co_return sent{.error = "its URL " + to.error().message};
  if (auto refused = settings_.targets.refusal(*to))
    co_return sent{.error = std::move(*refused)};
  const auto endpoints = co_await resolve(*to);
  if (!endpoints)
    co_return sent{.error = endpoints.error().message};
  if (aborted_)
    co_return sent{.error = "kilnd is stopping"};

  const auto mine = std::make_shared<connection>(loop_);
  open_.insert(mine.get());
  const scope_exit closed{[this, mine] {
    open_.erase(mine.get());
    mine->over.cancel();
    mine->close();
  }};
  mine->end_after(settings_.deadline);
  error_code ec;
  sent out;
  co_await asio::async_connect(mine->socket, *endpoints, asio::redirect_error(aio::use_task, ec));
  if (ec) {
    out.error = fmt::format("no connection to {}: {}", to->host_field, ec.message());
  } else if (to->tls) {
    ssl::stream<tcp_socket&> secure{mine->socket, *tls_};
    aio::expect_host(secure, to->host, to->literal.has_value());
    co_await secure.async_handshake(ssl::stream_base::client, asio::redirect_error(aio::use_task, ec));
    if (ec)
      out.error = aio::tls_failure(secure.native_handle(), ec);
    else
      out = co_await exchange(secure, *mine, *to, std::move(what));
  } else {
    out = co_await exchange(mine->socket, *mine, *to, std::move(what));
  }
  if (mine->is_late && !out.status)
    out.error = fmt::format("no answer within {} ms", settings_.deadline.count());
  co_return out;
}

} // namespace kiln::webhook
