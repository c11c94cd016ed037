// SPDX-License-Identifier: Apache-2.0
#include "base/ip_address.hpp"

#include "base/number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include <arpa/inet.h>

namespace kiln {
namespace {

constexpr int all_bits = 128;
constexpr int v4_bits = 96; // in front of an address of IPv4
constexpr std::size_t v4_bytes = v4_bits / 8;
constexpr ip_network all_of_v4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, v4_bits};

} // namespace

std::optional<ip_address> parse_ip_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{}; // inet_pton() reads up to a zero
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  std::ranges::copy(text, copy.begin());
  auto address = all_of_v4.first;
  if (inet_pton(AF_INET, copy.data(), address.data() + v4_bytes) == 1 ||
      inet_pton(AF_INET6, copy.data(), address.data()) == 1)
    return address;
  return std::nullopt;
}

std::string format_ip_address(const ip_address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (contains(all_of_v4, address))
    inet_ntop(AF_INET, address.data() + v4_bytes, text.data(), text.size());
  else
    inet_ntop(AF_INET6, address.data(), text.data(), text.size());
  return text.data();
}

result<ip_network> parse_ip_network(std::string_view text) {
  const error wrong{errc::invalid_input,
                    fmt::format("\"{}\" is not an address or a network such as 192.0.2.7, 10.0.0.0/8, "
                                "2001:db8::7 or fd00::/8",
                                text)};
  const auto slash = text.find('/');
  const auto host = text.substr(0, slash);
  const auto first = parse_ip_address(host);
  if (!first)
    return wrong;
  ip_network network{*first};
  if (slash == std::string_view::npos)
    return network;
  const bool is_v4 = host.find(':') == std::string_view::npos;
  const auto prefix = parse_number<int>(text.substr(slash + 1), 0, is_v4 ? all_bits - v4_bits : all_bits);
  if (!prefix)
    return wrong;
  network.prefix = *prefix + (is_v4 ? v4_bits : 0);
  for (int bit = network.prefix; bit < all_bits; ++bit)
    if ((network.first[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8) & 1) != 0)
      return error{errc::invalid_input,
                   fmt::format("\"{}\": the address has more bits than its prefix: write the first address "
                               "of the network",
                               text)};
  return network;
}

bool contains(const ip_network& in, const ip_address& address) noexcept {
  for (int bit = 0; bit < in.prefix; bit += 8) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const int rest = std::min(8, in.prefix - bit);
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
    if (((address[at] ^ in.first[at]) & mask) != 0)
      return false;
  }
  return true;
}

std::uint64_t customer_network(const ip_address& address) noexcept {
  const bool is_v4 = contains(all_of_v4, address);
  std::uint64_t number = 0;
  for (std::size_t at = is_v4 ? v4_bytes : 0, end = is_v4 ? address.size() : address.size() / 2; at < end;
       ++at)
    number = number << 8 | address[at];
  return number;
}

} // namespace kiln
