// SPDX-License-Identifier: Apache-2.0
#include "digest/digest_field.hpp"

#include "base/number.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace kiln::digest {
namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t base64_size = 44; // 32 bytes, with one '='

std::optional<std::string> hex_of(std::string_view base64) {
  if (base64.size() != base64_size || base64.back() != '=')
    return std::nullopt;
  std::string hex;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : base64.substr(0, base64_size - 1)) {
    const auto value = base64_digits.find(c);
    if (value == std::string_view::npos)
      return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      hex += fmt::format("{:02x}", bits >> static_cast<unsigned>(count) & 0xffU);
    }
  }
  return hex;
}

} // namespace

result<std::optional<std::string>> parse_digest_field(std::string_view value) {
  constexpr std::string_view key = "sha-256=";
  std::optional<std::string> found;
  while (!value.empty()) { // values of this field have no commas
    const auto comma = std::min(value.find(','), value.size());
    const auto member = trimmed(value.substr(0, comma));
    value.remove_prefix(std::min(comma + 1, value.size()));
    if (!member.starts_with(key))
      continue;
    const auto bytes = member.substr(key.size());
    if (bytes.size() < 2 || bytes.front() != ':' || bytes.back() != ':')
      return error{errc::invalid_input, "the digest must be written as sha-256=:BASE64: (RFC 9530)"};
    found = hex_of(bytes.substr(1, bytes.size() - 2));
    if (!found)
      return error{errc::invalid_input,
                   "the digest must be the base64 of the 32 bytes of a SHA-256 (RFC 9530)"};
  }
  return found;
}

std::string format_digest_field(std::string_view hex) {
  std::string out = "sha-256=:";
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (; hex.size() >= 2; hex.remove_prefix(2)) {
    constexpr std::string_view known = "0123456789abcdef";
    bits = bits << 8U | static_cast<std::uint32_t>(known.find(hex[0]) << 4U | known.find(hex[1]));
    for (count += 8; count >= 6; count -= 6)
      out += base64_digits[bits >> (count - 6) & 0x3fU];
  }
  if (count > 0)
    out += base64_digits[bits << (6 - count) & 0x3fU];
  return out + "=:"; // 32 bytes end with one '='
}

bool wants_sha256(std::string_view value) {
  constexpr std::string_view key = "sha-256=";
  while (!value.empty()) {
    const auto comma = std::min(value.find(','), value.size());
    const auto member = trimmed(value.substr(0, comma));
    value.remove_prefix(std::min(comma + 1, value.size()));
    if (member.starts_with(key))
      return parse_number<int>(member.substr(key.size()), 1, 10).has_value();
  }
  return false;
}

} // namespace kiln::digest
