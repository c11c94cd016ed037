// SPDX-License-Identifier: Apache-2.0
#include "http/server.hpp"

#include "aio/asio_address.hpp"
#include "http/listener.hpp"

#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>

#include <netinet/in.h>
#include <sys/socket.h>

namespace kiln::http {
namespace {

namespace asio = aio::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds tick_time{1};
constexpr std::chrono::milliseconds accept_pause{100};
constexpr std::chrono::minutes accept_warning_pause{1};
constexpr std::size_t most_refused = 64; ///< at once; further connections are closed without an answer

} // namespace

server::server(aio::executor_type loop, service& shared)
    : service_(shared), acceptor_(loop), pause_(loop), tick_timer_(loop),
      places_(shared.bounds().connections),
      work_(loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }) {}

result<void> server::listen(const std::string& address, unsigned short port) {
  if (auto bound = bind_listener(acceptor_, address, port); !bound)
    return bound;
  error_code ec;
  acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  if (ec)
    return listen_error(ec, address, port);
  return {};
}

result<void> server::take(int listening) {
  error_code ec;
  int family = 0;
  socklen_t family_length = sizeof family;
  if (::getsockopt(listening, SOL_SOCKET, SO_DOMAIN, &family, &family_length) == 0 && family == AF_UNIX) {
    is_unix_ = true; // Asio needs a protocol only to open sockets, not to accept on one
    acceptor_.assign(tcp::v4(), listening, ec);
    if (ec)
      return error{ec, "the socket that was given to kilnd cannot be used: " + ec.message()};
    return {};
  }
  tcp::endpoint bound;
  socklen_t length = static_cast<socklen_t>(bound.capacity());
  if (::getsockname(listening, bound.data(), &length) != 0)
    return system_error(errno, "the socket that was given to kilnd cannot be used");
  acceptor_.assign(bound.protocol(), listening, ec); // which knows the family from what was just written
  if (ec)
    return error{ec, "the socket that was given to kilnd cannot be used: " + ec.message()};
  return {};
}

std::string server::local_address() const {
  if (is_unix_)
    return "a Unix socket";
  const auto endpoint = acceptor_.local_endpoint();
  const auto address = endpoint.address().to_string();
  return fmt::format("{}:{}", endpoint.address().is_v6() ? "[" + address + "]" : address, endpoint.port());
}

std::uint16_t server::port() const {
  return is_unix_ ? std::uint16_t{0} : acceptor_.local_endpoint().port();
}

aio::task<> server::run() {
  auto quiet_until =
      aio::clock::time_point::min(); // one line a minute, or a full disk would get more of them
  while (acceptor_.is_open()) {
    error_code ec;
    auto socket = co_await acceptor_.async_accept(asio::redirect_error(aio::use_task, ec));
    if (!ec) {
      admit(std::move(socket));
      continue;
    }
    if (!acceptor_.is_open())
      co_return;
    if (ec == asio::error::connection_aborted)
      continue;
    // Out of descriptors or memory: a connection that ends may help.
    if (const auto now = aio::clock::now(); now >= quiet_until) {
      service_.log().warn("connections cannot be accepted, tried again each {} ms reason={}",
                          accept_pause.count(), ec.message());
      quiet_until = now + accept_warning_pause;
    }
    pause_.expires_after(accept_pause);
    co_await pause_.async_wait(asio::redirect_error(aio::use_task, ec));
  }
}

void server::admit(tcp_socket socket) {
  error_code ec;
  asio::ip::address address = asio::ip::address_v4::loopback(); // of each client of a Unix socket
  if (!is_unix_) {
    address = socket.remote_endpoint(ec).address();
    if (ec)
      return; // gone already
    socket.set_option(tcp::no_delay{true}, ec);
  }
  const auto from = aio::from_asio(address);
  const bool is_proxy = service_.proxies().trusts(from);
  auto place = places_.take(is_proxy ? std::nullopt : std::optional{customer_network(from)});
  const bool has_room = place != nullptr;
  if (!has_room && refused_ >= most_refused)
    return;
  const auto added = sessions_.emplace(sessions_.end(), std::move(socket), from, service_, std::move(place),
                                       [this] { wake_tick(); });
  if (has_room) {
    work_.spawn(serve(added));
  } else {
    ++refused_;
    work_.spawn(refuse(added));
  }
  if (!std::exchange(ticking_, true))
    work_.spawn(tick());
}

aio::task<> server::serve(sessions::iterator mine) {
  co_await guard(mine->run());
  drop(mine);
}

aio::task<> server::refuse(sessions::iterator mine) {
  co_await guard(mine->refuse());
  --refused_;
  drop(mine);
}

aio::task<> server::guard(aio::task<> work) {
  try {
    co_await std::move(work);
  } catch (const std::exception& e) {
    service_.log().error("a connection failed inside Kiln reason={}", e.what());
  }
}

void server::drop(sessions::iterator gone) {
  sessions_.erase(gone);
  last_left_ = aio::clock::now();
  if (sessions_.empty())
    tick_timer_.cancel();
}

void server::wake_tick() {
  if (std::exchange(tick_sleeps_, false))
    tick_timer_.cancel();
}

aio::task<> server::tick() {
  while (!sessions_.empty()) {
    error_code ec;
    // A thousand clients that wait for a change have no deadline here, and cost nothing.
    tick_sleeps_ = !abort_at_ && std::ranges::none_of(sessions_, &session::is_timed);
    if (tick_sleeps_)
      tick_timer_.expires_at(aio::timer::time_point::max());
    else
      tick_timer_.expires_after(tick_time);
    co_await tick_timer_.async_wait(asio::redirect_error(aio::use_task, ec));
    const auto now = aio::clock::now();
    for (auto& s : sessions_) {
      if (abort_at_ && now >= *abort_at_)
        s.abort();
      else
        s.on_tick(now);
    }
  }
  ticking_ = false;
}

void server::stop_accepting() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

void server::end_sessions_not_admitted() {
  for (auto& s : sessions_)
    s.finish_if_not_admitted();
}

aio::task<> server::finish(std::chrono::milliseconds grace) {
  abort_at_ = aio::clock::now() + grace;
  wake_tick();
  for (auto& s : sessions_)
    s.finish();
  co_await work_.join();
}

} // namespace kiln::http
