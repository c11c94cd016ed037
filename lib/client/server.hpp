// SPDX-License-Identifier: Apache-2.0
//
// Which kilnd is meant, and whether a token may be sent to it: pure.
#pragma once

#include "base/error.hpp"
#include "base/http_url.hpp"

#include <string>
#include <string_view>

namespace kiln::client {

inline constexpr std::string_view default_url = "http://127.0.0.1:3000";

struct server {
  http_url url;
  std::string text;   ///< the URL as it was given, without a slash at its end
  std::string prefix; ///< of each path: "" or "/kiln"
  std::string token;  ///< empty: none
};

/// A URL of kilnd, possibly with a path. usage, with the reason, if it is none.
[[nodiscard]] result<server> parse_server(std::string_view url);

/// Whether the host is this machine: localhost, 127.0.0.0/8 or ::1.
[[nodiscard]] bool is_loopback(const http_url& url);

/// Checks a token (of `source`, for messages) and adds it. usage if it cannot stand in a header, or would
/// pass a network unencrypted without `over_plain_http`.
[[nodiscard]] result<void> add_token(server& to, std::string_view token, std::string_view source,
                                     bool over_plain_http);

} // namespace kiln::client
