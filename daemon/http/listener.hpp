// SPDX-License-Identifier: Apache-2.0
//
// A socket that is bound to the address to listen on, for the server and for a check of the configuration.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string>

namespace kiln::http {

using tcp_acceptor = aio::asio::basic_socket_acceptor<aio::asio::ip::tcp, aio::executor_type>;

/// Opens and binds `acceptor`, and does not listen yet. `address`: a literal one; port 0: any free one. The
/// error is that of listen_error().
[[nodiscard]] result<void> bind_listener(tcp_acceptor& acceptor, const std::string& address,
                                         unsigned short port);

/// An error that names the address and, if known, the process that listens on the port.
[[nodiscard]] error listen_error(const boost::system::error_code& ec, const std::string& address,
                                 unsigned short port);

} // namespace kiln::http
