// SPDX-License-Identifier: Apache-2.0
#include "http/framing.hpp"

#include "base/text.hpp"
#include "http/message.hpp"

#include <algorithm>
#include <array>

namespace kiln::http {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// tchar of RFC 9110, section 5.6.2.
constexpr bool is_token_char(char c) noexcept {
  return is_digit(c) || is_alpha(c) ||
         (c != 0 && std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos);
}

constexpr auto make_token_table() {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c)
    table[static_cast<std::size_t>(c)] = is_token_char(static_cast<char>(c));
  return table;
}
constexpr auto token_table = make_token_table();

bool is_token(std::string_view text) noexcept {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return token_table[static_cast<unsigned char>(c)]; });
}

constexpr bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// The characters that host names are made of; RFC 3986 would allow more, which no name has.
bool is_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2]))
      i += 2;
    else if (!is_digit(c) && !is_alpha(c) && c != '.' && c != '-' && c != '_')
      return false;
  }
  return !text.empty();
}

/// uri-host [ ":" port ] (RFC 9110, 7.2): a name, an IPv4 address, or an IPv6 address in brackets.
bool is_host(std::string_view text) noexcept {
  const auto host = host_without_port(text);
  const auto port = text.substr(host.size());
  if (!port.empty() && (port.front() != ':' || !std::ranges::all_of(port.substr(1), is_digit)))
    return false;
  if (!host.starts_with('['))
    return is_name(host);
  return host.find(':') != std::string_view::npos &&
         std::ranges::all_of(host.substr(1, host.size() - 2),
                             [](char c) { return is_hex(c) || c == ':' || c == '.'; });
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return equals_ignoring_case(text.substr(0, lower.size()), lower);
}

struct start_line {
  bool is_1_0 = false;
  std::string_view authority; ///< of a target in absolute-form
};

std::optional<refusal> check_start_line(std::string_view line, const head_limits& limits,
                                        start_line& seen) noexcept {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return refusal{400, "the request line is not METHOD TARGET VERSION"};
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if (!is_token(method))
    return refusal{400, "the method is not a token"};
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' ||
      !is_digit(version[7]))
    return refusal{400, "the request line does not end in an HTTP version"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return refusal{505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  seen.is_1_0 = version.back() == '0';
  constexpr std::array<std::string_view, 7> methods{"GET", "POST",  "HEAD",  "OPTIONS",
                                                    "PUT", "PATCH", "DELETE"};
  if (std::ranges::find(methods, method) == methods.end())
    return refusal{501, "the method is unknown"};
  if (target.size() > limits.target_bytes)
    return refusal{414, "the request target is too long"};
  if (target == "*" && method == "OPTIONS")
    return std::nullopt;
  const bool visible = std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  const auto parts = split_target(target);
  if (!parts.path.starts_with('/') || !visible)
    return refusal{400, "the request target is not a path"};
  seen.authority = parts.authority;
  return std::nullopt;
}

struct framing_fields {
  std::string_view host;
  int hosts = 0, lengths = 0, encodings = 0;
};

std::optional<refusal> check_field(std::string_view line, framing_fields& seen) noexcept {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return refusal{400, "a header field has no proper name (folded lines are not taken)"};
  const auto name = line.substr(0, colon);
  const auto value = trimmed(line.substr(colon + 1));
  if (!is_field_value(value))
    return refusal{400, "a header field holds control characters"};
  if (name.size() == 4 && equals_ignoring_case(name, "Host")) {
    if (++seen.hosts > 1 || !is_host(value))
      return refusal{400, "the Host field is not one host"};
    seen.host = value;
  } else if (name.size() == 14 && equals_ignoring_case(name, "Content-Length")) {
    // 18 digits fit in 64 bits.
    if (++seen.lengths > 1 || value.empty() || value.size() > 18 || !std::ranges::all_of(value, is_digit))
      return refusal{400, "Content-Length is not one number"};
  } else if (name.size() == 17 && equals_ignoring_case(name, "Transfer-Encoding")) {
    if (++seen.encodings > 1 || !equals_ignoring_case(value, "chunked"))
      return refusal{400, "the only Transfer-Encoding here is chunked"};
  }
  return std::nullopt;
}

} // namespace

std::optional<std::size_t> head_scanner::find_end(std::string_view bytes) noexcept {
  for (;;) {
    const auto end = bytes.find('\n', line_begin_);
    if (end == std::string_view::npos)
      return std::nullopt;
    if (end == line_begin_ || bytes[end - 1] != '\r') {
      has_bare_line_feed_ = true;
      return std::nullopt;
    }
    const bool is_empty = end == line_begin_ + 1;
    line_begin_ = end + 1;
    if (is_empty && has_start_line_)
      return end + 1;
    if (is_empty && end > 1)
      return end + 1; // a second empty line: check_head will refuse it
    has_start_line_ = has_start_line_ || !is_empty;
  }
}

std::optional<refusal> head_scanner::check(std::string_view bytes, const head_limits& limits) const noexcept {
  if (has_bare_line_feed_)
    return refusal{400, "a line does not end in CR LF"};
  if (bytes.size() <= limits.header_bytes)
    return std::nullopt;
  if (!has_start_line_)
    return refusal{414, "the request target is too long"};
  return refusal{431, "the header is too large"};
}

std::optional<refusal> check_head(std::string_view head, const head_limits& limits) noexcept {
  const auto take_line = [&] {
    const auto end = head.find("\r\n");
    const auto line = head.substr(0, end);
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
    return line;
  };
  const auto size = head.size();
  start_line first;
  if (const auto bad = check_start_line(take_line(), limits, first))
    return bad;
  if (size > limits.header_bytes)
    return refusal{431, "the header is too large"};
  framing_fields seen;
  std::size_t count = 0;
  for (auto line = take_line(); !line.empty(); line = take_line()) {
    if (++count > limits.fields)
      return refusal{431, "there are too many header fields"};
    if (const auto bad = check_field(line, seen))
      return bad;
  }
  if (!head.empty())
    return refusal{400, "the header is broken"};
  if (seen.hosts == 0 && !first.is_1_0)
    return refusal{400, "the Host field is missing"};
  if (seen.hosts > 0 && !first.authority.empty() && !equals_ignoring_case(first.authority, seen.host))
    return refusal{400, "the Host field and the request target name two hosts"};
  if (seen.encodings > 0 && (seen.lengths > 0 || first.is_1_0))
    return refusal{400, "Transfer-Encoding with Content-Length or with HTTP/1.0 is ambiguous"};
  return std::nullopt;
}

target_parts split_target(std::string_view target) noexcept {
  target_parts parts;
  for (const std::string_view scheme : {"http://", "https://"})
    if (starts_with_ignoring_case(target, scheme)) {
      const auto rest = target.substr(scheme.size());
      parts.authority = rest.substr(0, rest.find_first_of("/?"));
      if (!is_host(parts.authority))
        return {};
      target = rest.substr(parts.authority.size());
      break;
    }
  parts.path = target.substr(0, target.find('?'));
  parts.query = target.substr(std::min(parts.path.size() + 1, target.size()));
  if (parts.path.empty() && !parts.authority.empty())
    parts.path = "/";
  return parts;
}

bool is_field_value(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u >= 0x20 && u != 0x7f) || u == '\t';
  });
}

std::string_view host_without_port(std::string_view host) noexcept {
  if (host.starts_with('['))
    return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

} // namespace kiln::http
