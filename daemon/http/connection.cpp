// SPDX-License-Identifier: Apache-2.0
#include "http/connection.hpp"

#include "aio/blocking_pool.hpp"
#include "aio/notification.hpp"
#include "http/file_part.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kiln::http {
namespace {

namespace asio = aio::asio;

constexpr std::uint64_t slice = 512 * 1024;       ///< of a file, before others have their turn
constexpr std::uint64_t copied_slice = 64 * 1024; ///< where it has to go through a buffer

boost::system::error_code last_error() {
  return {errno, boost::system::system_category()};
}

} // namespace

struct connection::tls_stream {
  tls_stream(tcp_socket& over, asio::ssl::context& with)
      : stream(over, with), has_read(over.get_executor()) {}
  asio::ssl::stream<tcp_socket&> stream;

  // What came while the connection was watched, which cannot be peeked at as in a plain one.
  std::array<char, 4096> early;
  std::size_t early_begin = 0, early_end = 0;
  error_code early_error;
  bool is_reading_ahead = false;
  aio::notification has_read;
};

struct connection::watcher {
  std::function<void()> gone;
};

connection::connection(tcp_socket socket, tls_context tls, aio::blocking_pool& pool)
    : socket_(std::move(socket)), pool_(pool), context_(std::move(tls)) {
  error_code ignored; // a socket that is broken already fails at its first use
  socket_.native_non_blocking(true, ignored);
  if (context_)
    tls_ = std::make_shared<tls_stream>(socket_, *context_);
}

connection::~connection() = default;

aio::task<> connection::open(error_code& ec) {
  if (!tls_)
    co_return;
  co_await tls_->stream.async_handshake(asio::ssl::stream_base::server,
                                        asio::redirect_error(aio::use_task, ec));
  if (ec.category() == asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == SSL_R_HTTP_REQUEST)
    co_await refuse_plain_http();
}

aio::task<> connection::refuse_plain_http() {
  constexpr std::string_view told = "HTTP/1.1 400 Bad Request\r\nServer: kilnd\r\nConnection: close\r\n"
                                    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 34\r\n\r\n"
                                    "this port speaks TLS: say https://";
  error_code ignored;
  co_await asio::async_write(socket_, asio::buffer(told), asio::redirect_error(aio::use_task, ignored));
  socket_.shutdown(tcp_socket::shutdown_send, ignored);
}

aio::task<std::size_t> connection::read_some(asio::mutable_buffer to, error_code& ec) {
  if (tls_)
    return read_tls(to, ec);
  return socket_.async_read_some(to, asio::redirect_error(aio::use_task, ec));
}

aio::task<std::size_t> connection::read_tls(asio::mutable_buffer to, error_code& ec) {
  auto& t = *tls_;
  while (t.is_reading_ahead)
    co_await t.has_read.wait();
  if (t.early_begin < t.early_end) {
    const auto size =
        asio::buffer_copy(to, asio::buffer(t.early.data() + t.early_begin, t.early_end - t.early_begin));
    t.early_begin += size;
    co_return size;
  }
  ec = std::exchange(t.early_error, {});
  if (ec)
    co_return 0;
  co_return co_await t.stream.async_read_some(to, asio::redirect_error(aio::use_task, ec));
}

aio::task<std::size_t> connection::write_some(asio::const_buffer from, error_code& ec) {
  if (tls_)
    return tls_->stream.async_write_some(from, asio::redirect_error(aio::use_task, ec));
  return socket_.async_write_some(from, asio::redirect_error(aio::use_task, ec));
}

aio::task<std::size_t> connection::send_file(int file, std::uint64_t offset, std::uint64_t length,
                                             error_code& ec) {
  const auto most = static_cast<std::size_t>(std::min(length, slice));
  while (!tls_) {
    co_await socket_.async_wait(tcp_socket::wait_write, asio::redirect_error(aio::use_task, ec));
    if (ec)
      co_return 0;
    if (!is_in_memory(file, offset, most))
      break;
    auto at = static_cast<off_t>(offset);
    const auto sent = ::sendfile(socket_.native_handle(), file, &at, most);
    if (sent > 0)
      co_return static_cast<std::size_t>(sent);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
      continue;
    ec = sent == 0 ? error_code{asio::error::eof} : last_error();
    co_return 0;
  }
  co_return co_await copy_file(file, offset, length, ec);
}

aio::task<std::size_t> connection::copy_file(int file, std::uint64_t offset, std::uint64_t length,
                                             error_code& ec) {
  const auto most = static_cast<std::size_t>(std::min(length, copied_slice));
  auto part = read_from_memory(file, offset, most);
  if (!part) {
    const auto read_here = [file, offset, most] { return read_from_disk(file, offset, most); };
    part = co_await pool_.run(read_here);
  }
  ec = part->ec;
  std::size_t done = 0;
  while (!ec && done < part->bytes.size()) {
    const auto rest = asio::buffer(part->bytes.data() + done, part->bytes.size() - done);
    done += co_await write_some(rest, ec);
  }
  co_return done;
}

aio::task<> connection::close_output() {
  error_code ignored;
  if (tls_)
    co_await tls_->stream.async_shutdown(asio::redirect_error(aio::use_task, ignored));
  socket_.shutdown(tcp_socket::shutdown_send, ignored);
}

void connection::watch(std::function<void()> gone) {
  watcher_ = std::make_shared<watcher>(watcher{std::move(gone)});
  if (tls_)
    read_ahead(watcher_);
  else
    look(watcher_);
}

/// A client that leaves says so inside of TLS.
void connection::read_ahead(const std::shared_ptr<watcher>& by) {
  auto& t = *tls_;
  if (t.is_reading_ahead || t.early_begin < t.early_end)
    return; // it has sent something already: that it stays is all that is known
  t.is_reading_ahead = true;
  const auto done = [held = tls_, of = std::weak_ptr{by}](const error_code& ec, std::size_t size) {
    held->is_reading_ahead = false;
    held->early_begin = 0;
    held->early_end = size;
    const auto mine = of.lock();
    if (ec != asio::error::operation_aborted)
      held->early_error = ec;
    held->has_read.notify_all();
    if (ec && mine)
      mine->gone();
  };
  t.stream.async_read_some(asio::buffer(t.early), done);
}

void connection::look(const std::shared_ptr<watcher>& by) {
  socket_.async_wait(tcp_socket::wait_read, [this, of = std::weak_ptr{by}](const error_code& ec) {
    const auto mine = of.lock();
    if (!mine)
      return; // unwatched, and perhaps gone with the connection
    if (!ec) {
      char next = 0;
      const auto got = ::recv(socket_.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
      if (got > 0)
        return;
      if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return look(mine);
    }
    mine->gone();
  });
}

void connection::unwatch() {
  if (std::exchange(watcher_, nullptr))
    cancel();
}

void connection::cancel() {
  error_code ignored;
  socket_.cancel(ignored);
}

void connection::close() {
  error_code ignored;
  socket_.close(ignored);
}

} // namespace kiln::http
