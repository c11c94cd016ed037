// SPDX-License-Identifier: Apache-2.0
#include "app/given_socket.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace kiln::app {
namespace {

int option(int descriptor, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

bool is_listening_stream(int descriptor) {
  const int family = option(descriptor, SO_DOMAIN);
  return (family == AF_INET || family == AF_INET6 || family == AF_UNIX) &&
         option(descriptor, SO_TYPE) == SOCK_STREAM && option(descriptor, SO_ACCEPTCONN) == 1;
}

listen_address address_of(int descriptor) {
  if (option(descriptor, SO_DOMAIN) == AF_UNIX)
    return {.address = "127.0.0.1", .port = 0}; // only this machine reaches it, as its directory permits
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &length);
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&bound);
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&bound);
  const bool is_v6 = bound.ss_family == AF_INET6;
  ::inet_ntop(bound.ss_family, is_v6 ? static_cast<const void*>(&v6->sin6_addr) : &v4->sin_addr, text.data(),
              text.size());
  return {.address = text.data(), .port = ntohs(is_v6 ? v6->sin6_port : v4->sin_port)};
}

} // namespace

result<std::optional<given_socket>> take_given_socket(const std::vector<int>& descriptors) {
  if (descriptors.empty())
    return std::optional<given_socket>{};
  if (descriptors.size() > 1)
    return error{errc::invalid_input,
                 fmt::format("{} sockets were given to kilnd, which listens on one: leave one ListenStream= "
                             "in kilnd.socket",
                             descriptors.size())};
  const int descriptor = descriptors.front();
  if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0)
    return system_error(errno, "the socket that was given to kilnd (LISTEN_FDS) is not there");
  if (!is_listening_stream(descriptor))
    return error{
        errc::invalid_input,
        "the socket that was given to kilnd (LISTEN_FDS) listens neither on TCP nor on a Unix socket: "
        "say ListenStream=127.0.0.1:3000 in kilnd.socket"};
  return std::optional{given_socket{descriptor, address_of(descriptor)}};
}

} // namespace kiln::app
