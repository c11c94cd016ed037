// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 with one server, over TLS or without; a connection is kept and used again. One request at a time.
#pragma once

#include "aio/task.hpp"
#include "aio/unique_descriptor.hpp"
#include "client/message.hpp"
#include "client/server.hpp"

#include <functional>
#include <memory>
#include <string>

namespace kiln::client {

/// A connected stream socket.
using opener = std::function<result<aio::unique_descriptor>()>;

class connection {
public:
  /// `open` connects in place of the server's address, if it is set.
  connection(aio::executor_type loop, server to, std::string user_agent, opener open = {});
  ~connection();

  /// Sends a request and reads the whole answer. not_reached if there is none; then the server may have
  /// carried the request out all the same. The sink's own error if it returns one. A large file is sent only
  /// once the server wants it (Expect: 100-continue), or has not said for a second that it does not.
  [[nodiscard]] aio::task<result<answer>> exchange(const request& what, const body_sink& sink);

  [[nodiscard]] const server& to() const noexcept { return server_; }

private:
  struct link;
  [[nodiscard]] aio::task<result<void>> connect();
  [[nodiscard]] aio::task<result<answer>> exchange_once(const request& what, const body_sink& sink);
  template<class Stream>
  [[nodiscard]] aio::task<result<answer>> exchange_over(Stream& over, const request& what,
                                                        const body_sink& sink);

  aio::executor_type loop_;
  server server_;
  std::string user_agent_;
  opener open_;
  std::shared_ptr<link> link_; ///< null: not connected
  bool asks_first_ = true;     ///< false: this server answered 417
};

} // namespace kiln::client
