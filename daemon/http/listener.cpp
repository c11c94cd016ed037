// SPDX-License-Identifier: Apache-2.0
#include "http/listener.hpp"

#include "http/port_holder.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <netinet/in.h>
#include <sys/socket.h>

namespace kiln::http {

namespace asio = aio::asio;
using asio::ip::tcp;
using boost::system::error_code;

result<void> bind_listener(tcp_acceptor& acceptor, const std::string& address, unsigned short port) {
  error_code ec;
  const tcp::endpoint endpoint{asio::ip::make_address(address, ec), port};
  if (ec)
    return error{ec, fmt::format("{} is not an address: {}", address, ec.message())};
  acceptor.open(endpoint.protocol(), ec);
  if (!ec)
    acceptor.set_option(asio::socket_base::reuse_address{true},
                        ec);                     // a restart must not wait for old connections
  if (!ec && endpoint.address().is_loopback()) { // a start before the network is up: its address will appear
    using free_bind_v4 = asio::detail::socket_option::boolean<SOL_IP, IP_FREEBIND>;
    using free_bind_v6 = asio::detail::socket_option::boolean<SOL_IPV6, IPV6_FREEBIND>;
    if (endpoint.address().is_v6())
      acceptor.set_option(free_bind_v6{true}, ec);
    else
      acceptor.set_option(free_bind_v4{true}, ec);
  }
  if (!ec)
    acceptor.bind(endpoint, ec);
  if (ec)
    return listen_error(ec, address, port);
  return {};
}

error listen_error(const error_code& ec, const std::string& address, unsigned short port) {
  auto text = fmt::format("cannot listen on {}:{}: {}", address, port, ec.message());
  if (ec == asio::error::address_in_use) {
    const auto holder = find_port_holder(port);
    text += holder.empty() ? "; choose another with --listen"
                           : fmt::format(" by {}; stop it, or choose another with --listen", holder);
  }
  return {ec, text};
}

} // namespace kiln::http
