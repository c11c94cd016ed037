// SPDX-License-Identifier: Apache-2.0
#include "http/forwarded.hpp"

#include "base/number.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>

namespace kiln::http {
namespace {

constexpr int most_elements = 32;

/// Whether an odd number of backslashes stands before text[at].
bool is_escaped(std::string_view text, std::size_t at) noexcept {
  std::size_t backslashes = 0;
  while (backslashes < at && text[at - 1 - backslashes] == '\\')
    ++backslashes;
  return backslashes % 2 == 1;
}

/// Takes the last part off `list`, which is nullopt when that was the first. A separator in a quoted string
/// is none. Read from the end, so that quotes which a client left open cannot change what a proxy added.
std::string_view take_last(std::optional<std::string_view>& list, char separator) noexcept {
  const auto all = *list;
  bool is_quoted = false;
  for (std::size_t at = all.size(); at > 0; --at) {
    const char c = all[at - 1];
    if (c == '"' && !is_escaped(all, at - 1)) {
      is_quoted = !is_quoted;
    } else if (c == separator && !is_quoted) {
      list = all.substr(0, at - 1);
      return trimmed(all.substr(at));
    }
  }
  list.reset();
  return trimmed(all);
}

/// A token, or the contents of a quoted string (RFC 9110, 5.6.4).
std::optional<std::string> parse_value(std::string_view text) {
  if (!text.starts_with('"'))
    return text.find('"') == std::string_view::npos ? std::optional{std::string{text}} : std::nullopt;
  std::string value;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"')
      return at + 1 == text.size() ? std::optional{value} : std::nullopt;
    if (text[at] == '\\' && ++at == text.size())
      return std::nullopt;
    value += text[at];
  }
  return std::nullopt;
}

/// A parameter of an element of Forwarded; nullopt if it is missing, there twice, or malformed.
std::optional<std::string> find_parameter(std::string_view element, std::string_view name) {
  std::optional<std::string> found;
  for (std::optional rest{element}; rest;) {
    const auto pair = take_last(rest, ';');
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || !equals_ignoring_case(pair.substr(0, equals), name))
      continue;
    if (found)
      return std::nullopt;
    found = parse_value(pair.substr(equals + 1));
    if (!found)
      return std::nullopt;
  }
  return found;
}

/// Digits, or an obfuscated port (RFC 7239, 6.2 and 6.3).
bool is_node_port(std::string_view text) noexcept {
  constexpr std::string_view in_obfuscated =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return parse_number<std::uint16_t>(text) ||
         (text.size() > 1 && text.front() == '_' &&
          text.find_first_not_of(in_obfuscated) == std::string_view::npos);
}

/// "192.0.2.7", "192.0.2.7:80", "[2001:db8::7]", "[2001:db8::7]:80", and "2001:db8::7", which X-Forwarded-For
/// has without brackets.
std::optional<ip_address> parse_node(std::string_view text) {
  auto host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || text.substr(0, end).find(':') == std::string_view::npos)
      return std::nullopt;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else if (std::ranges::count(text, ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(host.size());
  }
  if (!port.empty() && (port.front() != ':' || !is_node_port(port.substr(1))))
    return std::nullopt;
  return parse_ip_address(host);
}

std::optional<ip_address> parse_element(std::string_view element, bool is_of_rfc) {
  if (!is_of_rfc)
    return parse_node(element);
  const auto from = find_parameter(element, "for");
  return from ? parse_node(*from) : std::nullopt;
}

auto is_named(std::string_view name) {
  return [name](const field& f) { return equals_ignoring_case(f.name, name); };
}

/// The value of a field that is there once.
std::optional<std::string_view> find_only(std::span<const field> fields, std::string_view name) {
  if (std::ranges::count_if(fields, is_named(name)) != 1)
    return std::nullopt;
  return trimmed(std::ranges::find_if(fields, is_named(name))->value);
}

struct found_client {
  ip_address address;
  std::string_view element = {}; ///< of Forwarded that names it, if one does
};

found_client find_client(const ip_address& proxy, std::span<const field> fields,
                         const trusted_proxies& known) {
  const bool is_of_rfc = std::ranges::none_of(fields, is_named("X-Forwarded-For"));
  const auto is_list = is_named(is_of_rfc ? "Forwarded" : "X-Forwarded-For");
  found_client found{proxy};
  int elements = 0;
  for (const auto& list : fields | std::views::reverse | std::views::filter(is_list))
    for (std::optional rest{list.value}; rest; ++elements) {
      if (elements == most_elements)
        return found;
      const auto element = take_last(rest, ',');
      const auto address = parse_element(element, is_of_rfc);
      if (!address)
        return found;
      found.address = *address;
      if (is_of_rfc)
        found.element = element;
      if (!known.trusts(found.address))
        return found;
    }
  return found;
}

} // namespace

bool trusted_proxies::trusts(const ip_address& address) const noexcept {
  return std::ranges::any_of(networks_, [&](const ip_network& known) { return contains(known, address); });
}

ip_address client_address(const ip_address& proxy, std::span<const field> fields,
                          const trusted_proxies& known) {
  return find_client(proxy, fields, known).address;
}

public_url forwarded_url(const ip_address& proxy, std::span<const field> fields,
                         const trusted_proxies& known) {
  const auto rfc = find_client(proxy, fields, known).element;
  const auto value_of = [&](std::string_view field_name, std::string_view parameter) {
    const auto field = find_only(fields, field_name);
    return field ? std::string{*field} : find_parameter(rfc, parameter).value_or("");
  };
  const auto scheme = value_of("X-Forwarded-Proto", "proto");
  auto host = value_of("X-Forwarded-Host", "host");
  if (host.empty())
    host = find_only(fields, "Host").value_or("");
  public_url found;
  if (const auto origin = parse_public_url(fmt::format("{}://{}", scheme, host));
      origin && origin->prefix.empty())
    found.origin = origin->origin;
  auto prefix = find_only(fields, "X-Forwarded-Prefix").value_or("");
  if (prefix.ends_with('/'))
    prefix.remove_suffix(1);
  if (is_path_prefix(prefix))
    found.prefix = prefix;
  return found;
}

result<ip_network> parse_trusted_proxy(std::string_view text) {
  auto network = parse_ip_network(text);
  const auto includes = [&](std::string_view address) {
    return contains(*network, *parse_ip_address(address));
  };
  if (network && (network->prefix == 0 || (includes("0.0.0.0") && includes("255.255.255.255"))))
    return error{errc::invalid_input,
                 fmt::format("\"{}\" is everybody, who could then name any address as their own: write the "
                             "addresses of the proxies",
                             text)};
  return network;
}

} // namespace kiln::http
