// SPDX-License-Identifier: Apache-2.0
//
// Addresses of Asio as those of lib/base, and back.
#pragma once

#include "base/ip_address.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace kiln::aio {

[[nodiscard]] inline ip_address from_asio(const boost::asio::ip::address& from) {
  namespace ip = boost::asio::ip;
  const auto six = from.is_v6() ? from.to_v6() : ip::make_address_v6(ip::v4_mapped, from.to_v4());
  ip_address made{};
  std::ranges::copy(six.to_bytes(), made.begin());
  return made;
}

[[nodiscard]] inline boost::asio::ip::address to_asio(const ip_address& from) {
  namespace ip = boost::asio::ip;
  ip::address_v6::bytes_type bytes{};
  std::ranges::copy(from, bytes.begin());
  const ip::address_v6 six{bytes};
  if (six.is_v4_mapped())
    return ip::make_address_v4(ip::v4_mapped, six);
  return six;
}

} // namespace kiln::aio
