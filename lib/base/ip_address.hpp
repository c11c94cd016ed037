// SPDX-License-Identifier: Apache-2.0
//
// Addresses and networks of IPv4 and IPv6, as numbers: pure.
#pragma once

#include "base/error.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

/// An address of IPv6 in the order of the network; IPv4 as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2).
using ip_address = std::array<std::uint8_t, 16>;

/// "192.0.2.1" or "2001:db8::1", without brackets, port or zone; nullopt for any other notation.
[[nodiscard]] std::optional<ip_address> parse_ip_address(std::string_view text);

/// The same notation. An address of IPv4 is written as one, however it was given.
[[nodiscard]] std::string format_ip_address(const ip_address& address);

struct ip_network {
  ip_address first{};
  int prefix = 128; ///< bits that its addresses share, 0 to 128: 96 more than is written for IPv4
};

/// "10.0.0.0/8", "fd00::/8", or an address, which is a network of one. invalid_input says what is wrong.
[[nodiscard]] result<ip_network> parse_ip_network(std::string_view text);

[[nodiscard]] bool contains(const ip_network& in, const ip_address& address) noexcept;

/// The unit of all limits by address, as a number: an address of IPv4, or the /64 of one of IPv6, which is
/// one customer's.
[[nodiscard]] std::uint64_t customer_network(const ip_address& address) noexcept;

} // namespace kiln
