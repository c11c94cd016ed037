// SPDX-License-Identifier: Apache-2.0
//
// URLs of http and https, as programs connect to them: pure.
#pragma once

#include "base/error.hpp"
#include "base/ip_address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

/// A parsed URL.
struct http_url {
  bool tls = false;
  std::string host;                       ///< lower case, without brackets
  std::optional<ip_address> literal = {}; ///< set if the host is an address
  std::uint16_t port = 0;                 ///< never 0
  std::string host_field;                 ///< for Host: with brackets, and the port unless it is the default
  std::string path;                       ///< with query; begins with '/'
};

/// http and https, with a host and without a user, a password or a fragment, in at most 2000 bytes.
/// invalid_input says what is wrong; the message does not repeat the URL.
[[nodiscard]] result<http_url> parse_http_url(std::string_view url);

/// Letters, digits, '-' and '_' between dots, in lower case. A name whose last label looks like a number is
/// rejected: to the resolver it is an address in disguise (127.1, 0x7f000001, 2130706433).
[[nodiscard]] bool is_host_name(std::string_view name);

/// With small letters in place of A to Z.
[[nodiscard]] std::string lower_case(std::string_view text);

} // namespace kiln
