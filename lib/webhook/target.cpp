// SPDX-License-Identifier: Apache-2.0
#include "webhook/target.hpp"

#include "base/number.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kiln::webhook {
namespace {

constexpr int v4_bits = 96; // before an IPv4 address
constexpr std::uint16_t http_port = 80, https_port = 443;

ip_address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
}

ip_address v6(std::uint16_t a, std::uint16_t b) {
  ip_address made{};
  made[0] = static_cast<std::uint8_t>(a >> 8);
  made[1] = static_cast<std::uint8_t>(a & 0xff);
  made[2] = static_cast<std::uint8_t>(b >> 8);
  made[3] = static_cast<std::uint8_t>(b & 0xff);
  return made;
}

bool is_in_any(const std::vector<ip_network>& any, const ip_address& a) noexcept {
  return std::ranges::any_of(any, [&](const ip_network& n) { return contains(n, a); });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  return parse_number<std::uint16_t>(text, 1, 65535);
}

/// In the notation of a rule.
std::string endpoint_text(const target& of) {
  const bool is_v6 = of.literal && of.host.find(':') != std::string::npos;
  return fmt::format("{}:{}", is_v6 ? "[" + of.host + "]" : of.host, of.port);
}

bool has_port(const target_rule& rule, const target& of) {
  return of.port == rule.port.value_or(of.tls ? https_port : http_port);
}

bool covers(const target_rule& rule, const target& of, const ip_address& a) {
  return rule.name.empty() && has_port(rule, of) && contains(rule.network, a);
}

} // namespace

bool is_public(const ip_address& of) noexcept {
  // www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry
  static const std::vector<ip_network> special{
      {v4(0, 0, 0, 0), v4_bits + 8},
      {v4(10, 0, 0, 0), v4_bits + 8},
      {v4(100, 64, 0, 0), v4_bits + 10},
      {v4(127, 0, 0, 0), v4_bits + 8},
      {v4(169, 254, 0, 0), v4_bits + 16},
      {v4(172, 16, 0, 0), v4_bits + 12},
      {v4(192, 0, 0, 0), v4_bits + 24},
      {v4(192, 0, 2, 0), v4_bits + 24},
      {v4(192, 88, 99, 0), v4_bits + 24},
      {v4(192, 168, 0, 0), v4_bits + 16},
      {v4(198, 18, 0, 0), v4_bits + 15},
      {v4(198, 51, 100, 0), v4_bits + 24},
      {v4(203, 0, 113, 0), v4_bits + 24},
      {v4(224, 0, 0, 0), v4_bits + 4},
      {v4(240, 0, 0, 0), v4_bits + 4},
      {v4(168, 63, 129, 16), v4_bits + 32}, // Azure's own services: public only by its number
      {v6(0x2001, 0), 23},                  // Teredo and other protocols
      {v6(0x2001, 0xdb8), 32},
      {v6(0x2002, 0), 16}, // 6to4: an address of IPv4 inside
      {v6(0x3fff, 0), 20},
  };
  static const ip_network all_v4{v4(0, 0, 0, 0), v4_bits}, global_unicast{v6(0x2000, 0), 3};
  return (contains(all_v4, of) || contains(global_unicast, of)) && !is_in_any(special, of);
}

result<target_rule> parse_target_rule(std::string_view text) {
  const error wrong{errc::invalid_input,
                    fmt::format("\"{}\" is not a target such as hooks.example.com, hooks.example.com:8443, "
                                "192.0.2.7:8080, 10.0.0.0/8:8080 or [fd00::/8]:443",
                                text)};
  target_rule out;
  auto rest = text;
  std::string_view host;
  const bool bracketed = text.starts_with('[');
  if (bracketed) {
    const auto end = text.find(']');
    if (end == std::string_view::npos)
      return wrong;
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const bool is_v6 = std::ranges::count(text, ':') > 1; // CLI11 takes a pair of brackets away
    host = is_v6 ? text : text.substr(0, text.find(':'));
    rest = text.substr(host.size());
  }
  if (!rest.empty()) {
    out.port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
    if (!out.port)
      return wrong;
  }
  const auto slash = host.find('/');
  const auto literal = parse_ip_address(host.substr(0, slash));
  if (!literal) {
    out.name = lower_case(host);
    return !bracketed && is_host_name(out.name) ? result<target_rule>{out} : wrong;
  }
  const bool is_v4 = host.substr(0, slash).find(':') == std::string_view::npos;
  if (is_v4 && bracketed)
    return wrong;
  const auto network = parse_ip_network(host);
  if (!network)
    return network.error();
  out.network = *network;
  return out;
}

std::optional<std::string> target_rules::refusal(const target& of) const {
  const bool listed = std::ranges::any_of(rules_, [&](const target_rule& rule) {
    if (of.literal)
      return covers(rule, of, *of.literal);
    return rule.name == of.host && has_port(rule, of);
  });
  if (listed)
    return std::nullopt;
  return fmt::format(
      "webhooks may only go where kilnd is configured to send them, and {0} is not listed: say "
      "--webhook-target {0} (webhook_target = \"{0}\" in the file)",
      endpoint_text(of));
}

bool target_rules::may_connect(const target& of, const ip_address& to) const noexcept {
  return (!of.literal && is_public(to)) ||
         std::ranges::any_of(rules_, [&](const target_rule& rule) { return covers(rule, of, to); });
}

} // namespace kiln::webhook
