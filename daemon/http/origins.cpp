// SPDX-License-Identifier: Apache-2.0
#include "http/origins.hpp"

#include "http/message.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kiln::http {
namespace {

// A token is sent by the page's own script in Authorization, never by the browser on its own: hence no
// Access-Control-Allow-Credentials, with which "*" would be forbidden.
constexpr std::string_view readable = "Access-Control-Expose-Headers: Location, Retry-After, ETag, Link, "
                                      "X-Request-Id, Allow, Content-Disposition, Content-Range, "
                                      "Accept-Ranges, Preference-Applied, RateLimit, RateLimit-Policy, "
                                      "WWW-Authenticate\r\n";
constexpr std::string_view sendable =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Modified-Since, If-Range, "
    "Range, Last-Event-ID, Prefer, X-Request-Id, Traceparent, Tracestate, Cache-Control";
constexpr int preflight_seconds = 7200; ///< as long as any browser remembers one

bool is_port(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 5 && text.front() != '0' &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_host_name(std::string_view text) noexcept {
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  if (bracketed)
    return text.substr(1, text.size() - 2).find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_") == std::string_view::npos;
}

/// Behind "scheme://".
std::string_view authority_of(std::string_view origin) noexcept {
  const auto at = origin.find("://");
  return at == std::string_view::npos ? std::string_view{} : origin.substr(at + 3);
}

} // namespace

result<std::string> parse_origin(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return error{errc::invalid_input, fmt::format("\"{}\" is not an origin such as https://shop.example or "
                                                  "http://localhost:8080: {}",
                                                  text, why)};
  };
  if (text == "*")
    return std::string{text};
  std::string origin{text};
  std::ranges::transform(origin, origin.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto end_of_scheme = origin.find("://");
  const std::string scheme = origin.substr(0, end_of_scheme);
  if (end_of_scheme == std::string::npos || scheme.empty() ||
      scheme.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+.-") != std::string::npos)
    return wrong("it begins with a scheme and ://");
  auto host = authority_of(origin);
  std::string_view port;
  if (const auto colon = host.rfind(':'); colon != std::string_view::npos && !host.ends_with(']')) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
    if (!is_port(port))
      return wrong("the port is not one");
  }
  if (!is_host_name(host))
    return wrong("behind :// stands a host, perhaps a port, and nothing more");
  if ((scheme == "https" && port == "443") || (scheme == "http" && port == "80"))
    return wrong("browsers leave the usual port out");
  return origin;
}

origins::origins(std::vector<std::string> allowed)
    : allowed_(std::move(allowed)), any_(std::ranges::find(allowed_, "*") != allowed_.end()) {}

origins::standing origins::of(std::string_view origin, std::string_view host) const noexcept {
  // The scheme is left out: a proxy in front may speak TLS where kilnd does not.
  if (const auto authority = authority_of(origin);
      !authority.empty() && equals_ignoring_case(authority, host))
    return standing::own;
  const bool is_known =
      any_ || std::ranges::any_of(allowed_, [&](const auto& a) { return equals_ignoring_case(a, origin); });
  return is_known ? standing::allowed : standing::foreign;
}

std::string origins::fields(std::string_view origin, standing of) const {
  if (allowed_.empty())
    return {};
  std::string lines;
  if (!any_)
    lines = "Vary: Origin\r\n"; // of every answer: a cache must not give one page what is another's
  if (origin.empty() || of != standing::allowed)
    return lines;
  lines += fmt::format("Access-Control-Allow-Origin: {}\r\n", any_ ? "*" : origin);
  lines += readable;
  return lines;
}

std::string preflight_fields(std::string_view methods) {
  return fmt::format("Access-Control-Allow-Methods: {}\r\nAccess-Control-Allow-Headers: {}\r\n"
                     "Access-Control-Max-Age: {}\r\n",
                     methods, sendable, preflight_seconds);
}

} // namespace kiln::http
