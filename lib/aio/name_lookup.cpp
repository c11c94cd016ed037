// SPDX-License-Identifier: Apache-2.0
#include "aio/name_lookup.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>

#include <netdb.h>

namespace kiln::aio {

result<std::vector<asio::ip::address>> look_up(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* first = nullptr;
  if (const int wrong = ::getaddrinfo(name.c_str(), nullptr, &hints, &first); wrong != 0)
    return error{errc::unavailable,
                 fmt::format("the name {} cannot be looked up: {}", name, ::gai_strerror(wrong))};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all{first, ::freeaddrinfo};
  std::vector<asio::ip::address> found;
  for (const auto* one = first; one; one = one->ai_next) {
    asio::ip::tcp::endpoint at;
    if (one->ai_addrlen > at.capacity())
      continue;
    std::copy_n(reinterpret_cast<const std::byte*>(one->ai_addr), one->ai_addrlen,
                reinterpret_cast<std::byte*>(at.data()));
    at.resize(one->ai_addrlen);
    found.push_back(at.address());
  }
  return found;
}

} // namespace kiln::aio
