// SPDX-License-Identifier: Apache-2.0
//
// What proxies write about a request that they pass on: Forwarded (RFC 7239) and X-Forwarded-…. Pure. Anybody
// can send these fields, so only what proxies of the operator have written is believed.
#pragma once

#include "base/ip_address.hpp"
#include "http/message.hpp"
#include "http/public_url.hpp"

#include <span>
#include <vector>

namespace kiln::http {

class trusted_proxies {
public:
  trusted_proxies() = default;
  explicit trusted_proxies(std::vector<ip_network> networks) : networks_(std::move(networks)) {}

  [[nodiscard]] bool trusts(const ip_address& address) const noexcept;

private:
  std::vector<ip_network> networks_;
};

/// The address of the client of a request that came from `proxy`, a trusted one. Each proxy adds the address
/// that it was called from at the end, so the list is read from its end: as long as an address is a trusted
/// proxy's, the one before it counts. Ends at an element that is no address ("unknown", "_hidden", garbage)
/// and after 32 elements: then the last address counts. X-Forwarded-For, which nearly all proxies write, is
/// preferred: most of them pass on a Forwarded that their client has invented.
[[nodiscard]] ip_address client_address(const ip_address& proxy, std::span<const field> fields,
                                        const trusted_proxies& known);

/// Where that client has sent the request: X-Forwarded-Proto and X-Forwarded-Host, or proto and host of the
/// element of Forwarded that names the client, or else Host; and X-Forwarded-Prefix. A field that is there
/// twice, a list, or not valid is ignored. An origin that is not known whole is empty.
[[nodiscard]] public_url forwarded_url(const ip_address& proxy, std::span<const field> fields,
                                       const trusted_proxies& known);

/// A trusted proxy in the configuration: an address or a network, but not all addresses.
[[nodiscard]] result<ip_network> parse_trusted_proxy(std::string_view text);

} // namespace kiln::http
