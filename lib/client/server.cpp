// SPDX-License-Identifier: Apache-2.0
#include "client/server.hpp"

#include "base/text.hpp"
#include "client/exit_status.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kiln::client {

result<server> parse_server(std::string_view url) {
  auto parsed = parse_http_url(url);
  if (!parsed)
    return failure(exit_status::usage, fmt::format("the URL \"{}\" {}", url, parsed.error().message));
  if (parsed->path.find('?') != std::string::npos)
    return failure(exit_status::usage,
                   fmt::format("the URL \"{}\" must end before the \"?\": kiln adds paths to it", url));
  server out{.url = std::move(*parsed), .text = {}, .prefix = {}, .token = {}};
  out.prefix = out.url.path.substr(0, out.url.path.find_last_not_of('/') + 1);
  out.text = url.substr(0, url.find_last_not_of('/') + 1);
  return out;
}

bool is_loopback(const http_url& url) {
  if (!url.literal)
    return url.host == "localhost" || url.host.ends_with(".localhost");
  constexpr ip_network v4_loopback{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 0}, 104};
  constexpr ip_network v6_loopback{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128};
  return contains(v4_loopback, *url.literal) || contains(v6_loopback, *url.literal);
}

result<void> add_token(server& to, std::string_view token, std::string_view source, bool over_plain_http) {
  const auto bare = trimmed(token, " \t\r\n");
  const bool fine = std::ranges::all_of(bare, [](char c) { return c > ' ' && c < 0x7f; });
  if (bare.empty() || !fine)
    return failure(exit_status::usage,
                   fmt::format("{} does not hold one token, as `kilnd token add` prints it", source));
  if (!to.url.tls && !is_loopback(to.url) && !over_plain_http)
    return failure(exit_status::usage,
                   fmt::format("the token is not sent to {}, since others on the network could read it: use "
                               "an https URL, or say --token-over-http",
                               to.text));
  to.token = bare;
  return {};
}

} // namespace kiln::client
