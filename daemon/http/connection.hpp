// SPDX-License-Identifier: Apache-2.0
//
// The bytes of one connection: a TCP socket, with TLS if configured.
#pragma once

#include "aio/task.hpp"
#include "http/tls.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace kiln::aio {
class blocking_pool;
}

namespace kiln::http {

using tcp_socket = aio::asio::basic_stream_socket<aio::asio::ip::tcp, aio::executor_type>;

class connection {
public:
  using error_code = boost::system::error_code;

  /// `tls`: null without TLS. `pool` reads files that are not in memory, and outlives the connection.
  connection(tcp_socket socket, tls_context tls, aio::blocking_pool& pool);
  ~connection();

  /// The handshake of TLS, before any other call; no effect without TLS. Plain HTTP on a TLS port gets an
  /// error.
  [[nodiscard]] aio::task<> open(error_code& ec);

  [[nodiscard]] aio::task<std::size_t> read_some(aio::asio::mutable_buffer to, error_code& ec);
  [[nodiscard]] aio::task<std::size_t> write_some(aio::asio::const_buffer from, error_code& ec);

  /// Sends a part of a file: at least one byte, unless `ec` says why not (eof: the file is shorter). The file
  /// stays open until it completes. The pool reads parts that are not in memory, which close() does not
  /// interrupt.
  [[nodiscard]] aio::task<std::size_t> send_file(int file, std::uint64_t offset, std::uint64_t length,
                                                 error_code& ec);

  /// Signals the end of output to the other side.
  [[nodiscard]] aio::task<> close_output();

  /// While nothing is read or written: calls `gone`, once, when the other side closes, until unwatch(). Bytes
  /// that arrive meanwhile are left for read_some(); once they have, a later disconnect is not detected.
  void watch(std::function<void()> gone);
  void unwatch();

  /// Ends pending operations with operation_aborted.
  void cancel();
  void close();

private:
  struct tls_stream;
  struct watcher;

  void look(const std::shared_ptr<watcher>& by);
  void read_ahead(const std::shared_ptr<watcher>& by);
  [[nodiscard]] aio::task<std::size_t> read_tls(aio::asio::mutable_buffer to, error_code& ec);
  [[nodiscard]] aio::task<> refuse_plain_http();
  [[nodiscard]] aio::task<std::size_t> copy_file(int file, std::uint64_t offset, std::uint64_t length,
                                                 error_code& ec);

  tcp_socket socket_;
  aio::blocking_pool& pool_;
  tls_context context_;             ///< must outlive the objects made with it
  std::shared_ptr<tls_stream> tls_; ///< shared with pending operations
  std::shared_ptr<watcher> watcher_;
};

} // namespace kiln::http
