// SPDX-License-Identifier: Apache-2.0
#include "base/http_url.hpp"

#include "base/number.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace kiln {
namespace {

namespace urls = boost::urls;

constexpr std::size_t longest_url = 2000, longest_name = 253, longest_label = 63;
constexpr std::uint16_t http_port = 80, https_port = 443;

} // namespace

std::string lower_case(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > longest_name)
    return false;
  std::string_view label;
  for (std::size_t at = 0; at <= name.size();) {
    const auto end = std::min(name.find('.', at), name.size());
    label = name.substr(at, end - at);
    at = end + 1;
    const bool fine = std::ranges::all_of(label, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (label.empty() || label.size() > longest_label || !fine)
      return false;
  }
  const bool only_digits = std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
  return !only_digits && !label.starts_with("0x");
}

result<http_url> parse_http_url(std::string_view url) {
  const auto refuse = [](std::string_view why) { return error{errc::invalid_input, std::string{why}}; };
  if (url.size() > longest_url)
    return refuse(fmt::format("is longer than {} bytes", longest_url));
  const std::string copy{url}; // ends with a zero: parsers of Boost.URL 1.81 have read beyond the end
  const auto parsed = urls::parse_uri(copy);
  if (!parsed || !parsed->has_authority())
    return refuse("must be a URL such as https://host.example.com/kiln");
  http_url out;
  const auto scheme = lower_case(std::string_view{parsed->scheme()});
  out.tls = scheme == "https";
  if (!out.tls && scheme != "http")
    return refuse("must begin with https:// or http://");
  if (parsed->has_userinfo())
    return refuse("must not hold a user or a password");
  if (parsed->has_fragment())
    return refuse("must not have a fragment (#…)");

  const auto written = lower_case(std::string_view{parsed->encoded_host()});
  const bool bracketed = written.size() >= 2 && written.front() == '[' && written.back() == ']';
  out.host = bracketed ? written.substr(1, written.size() - 2) : written;
  out.literal = parse_ip_address(out.host);
  if (!out.literal && (bracketed || !is_host_name(out.host)))
    return refuse("must have a host that is a name (ASCII), four decimal numbers, or an IPv6 address in "
                  "brackets");
  const std::uint16_t usual = out.tls ? https_port : http_port;
  out.port = usual;
  if (parsed->has_port()) {
    const auto port = parse_number<std::uint16_t>(std::string_view{parsed->port()}, 1, 65535);
    if (!port)
      return refuse("must have a port between 1 and 65535");
    out.port = *port;
  }
  out.host_field = out.port == usual ? written : fmt::format("{}:{}", written, out.port);
  out.path = std::string_view{parsed->encoded_target()};
  // Boost.URL 1.81 takes "127.0.0.1.x" for an address, and ".x" for a path behind it.
  if (!out.path.empty() && out.path.front() != '/' && out.path.front() != '?')
    return refuse("must have a host that is followed by a port, a path or nothing");
  if (!out.path.starts_with('/'))
    out.path.insert(0, "/");
  return out;
}

} // namespace kiln
