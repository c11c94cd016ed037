// SPDX-License-Identifier: Apache-2.0
#include "api/digest_field.hpp"

#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace kiln::api {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t base64_size = 44; // 32 bytes, with one '='

std::optional<std::string> hex_of(std::string_view base64) {
  if (base64.size() != base64_size || base64.back() != '=')
    return std::nullopt;
  std::string hex;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : base64.substr(0, base64_size - 1)) {
    const auto value = digits.find(c);
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

} // namespace kiln::api
