// SPDX-License-Identifier: Apache-2.0
//
// The permitted targets of webhooks: pure. A URL is accepted if its host and port are listed; a connection is
// made if the host's current address is public, or listed itself.
#pragma once

#include "base/error.hpp"
#include "base/http_url.hpp"
#include "base/ip_address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::webhook {

/// Whether this is a public internet address: not loopback, private, link-local, multicast, documentation,
/// nor a cloud's service for its machines (IANA's special-purpose registries of IPv4 and IPv6).
[[nodiscard]] bool is_public(const ip_address& of) noexcept;

using target = http_url;

/// A host or a network permitted for webhooks.
struct target_rule {
  std::string name; ///< lower case; empty for a network
  ip_network network{};
  std::optional<std::uint16_t> port = {}; ///< nullopt: 443 for https, 80 for http
};

/// "hooks.example.com", "hooks.example.com:8443", "192.0.2.7:8080", "10.0.0.0/8:8080", "[2001:db8::1]",
/// "[fd00::/8]:443", "::1". invalid_input, with an example, for anything else.
[[nodiscard]] result<target_rule> parse_target_rule(std::string_view text);

class target_rules {
public:
  explicit target_rules(std::vector<target_rule> rules) : rules_(std::move(rules)) {}

  [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }

  /// Nullopt if its host and port are listed; otherwise the reason, and what to configure.
  [[nodiscard]] std::optional<std::string> refusal(const target& of) const;

  /// Whether `to`, an address of the host of `of`, may be connected to.
  [[nodiscard]] bool may_connect(const target& of, const ip_address& to) const noexcept;

private:
  std::vector<target_rule> rules_;
};

} // namespace kiln::webhook
