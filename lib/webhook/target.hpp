// SPDX-License-Identifier: Apache-2.0
//
// Where webhooks may go: pure. A URL is taken when its host and port are listed; a connection is made when
// the address that the host has at that moment is public, or listed itself.
#pragma once

#include "base/error.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::webhook {

/// An address of IPv6 in the order of the network; IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
using address = std::array<std::uint8_t, 16>;

/// "192.0.2.1" or "2001:db8::1", without brackets; nothing for any other way of writing.
[[nodiscard]] std::optional<address> parse_address(std::string_view text);

/// An address of the whole internet: not loopback, private, link-local, multicast, documentation, nor one of
/// the services that clouds offer to their machines (IANA's special-purpose registries of IPv4 and IPv6).
[[nodiscard]] bool is_public(const address& of) noexcept;

/// A URL taken apart.
struct target {
  bool tls = false;
  std::string host;                    ///< lower case, without brackets
  std::optional<address> literal = {}; ///< when the host is an address
  std::uint16_t port = 0;              ///< never 0
  std::string host_field; ///< for Host: with brackets, and the port where it is not the usual one
  std::string path;       ///< with query; begins with '/'
};

/// http and https, with a host and without a user, a password or a fragment, in at most 2000 bytes.
/// invalid_input says what is wrong; the message does not repeat the URL.
[[nodiscard]] result<target> parse_target(std::string_view url);

/// A host or a network that webhooks may go to.
struct target_rule {
  std::string name;                       ///< lower case; empty when it is a network
  address network{};                      ///< its first address
  int prefix = 128;                       ///< of `network`: bits that count, 0 to 128
  std::optional<std::uint16_t> port = {}; ///< nothing: 443 for https, 80 for http
};

/// "hooks.example.com", "hooks.example.com:8443", "192.0.2.7:8080", "10.0.0.0/8:8080", "[2001:db8::1]",
/// "[fd00::/8]:443", "::1". invalid_input, with an example, for anything else.
[[nodiscard]] result<target_rule> parse_target_rule(std::string_view text);

class target_rules {
public:
  explicit target_rules(std::vector<target_rule> rules) : rules_(std::move(rules)) {}

  [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }

  /// Nothing when its host and port are listed; else why not, and what to configure.
  [[nodiscard]] std::optional<std::string> refusal(const target& of) const;

  /// Whether `to`, which the host of `of` has, may be connected to.
  [[nodiscard]] bool may_connect(const target& of, const address& to) const noexcept;

private:
  std::vector<target_rule> rules_;
};

} // namespace kiln::webhook
