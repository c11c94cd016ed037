// SPDX-License-Identifier: Apache-2.0
//
// The bytes of one connection: a TCP socket, with TLS on it where kilnd is told so.
#pragma once

#include "aio/task.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace boost::asio::ssl {
class context;
}

namespace kiln::aio {
class blocking_pool;
}

namespace kiln::http {

using tcp_socket = aio::asio::basic_stream_socket<aio::asio::ip::tcp, aio::executor_type>;
using tls_context = std::shared_ptr<aio::asio::ssl::context>;

class connection {
public:
  using error_code = boost::system::error_code;

  /// `tls`: null without TLS. `pool` reads files that are not in memory, and outlives the connection.
  connection(tcp_socket socket, tls_context tls, aio::blocking_pool& pool);
  ~connection();

  /// Of TLS; nothing to do without. Before anything else. Who speaks plain HTTP to TLS is told so.
  [[nodiscard]] aio::task<> open(error_code& ec);

  [[nodiscard]] aio::task<std::size_t> read_some(aio::asio::mutable_buffer to, error_code& ec);
  [[nodiscard]] aio::task<std::size_t> write_some(aio::asio::const_buffer from, error_code& ec);

  /// Sends a part of a file: at least one byte, unless `ec` says why not (eof: the file is shorter). The file
  /// stays open until it completes. What is not in memory is read by the pool, which no close() interrupts.
  [[nodiscard]] aio::task<std::size_t> send_file(int file, std::uint64_t offset, std::uint64_t length,
                                                 error_code& ec);

  /// Tells the other side that nothing more will come.
  [[nodiscard]] aio::task<> close_output();

  /// While nothing is read or written: calls `gone`, once, when the other side closes, until unwatch(). What
  /// it sends meanwhile stays for read_some(), and then its leaving is seen no more.
  void watch(std::function<void()> gone);
  void unwatch();

  /// Ends what waits, with operation_aborted.
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
  tls_context context_;             ///< lives as long as what was made with it
  std::shared_ptr<tls_stream> tls_; ///< what is under way holds it too
  std::shared_ptr<watcher> watcher_;
};

} // namespace kiln::http
