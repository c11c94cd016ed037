// SPDX-License-Identifier: Apache-2.0
#include "blender/blend_file.hpp"

#include <string_view>

namespace kiln::blender {
namespace {

constexpr std::string_view magic = "BLENDER";
constexpr std::string_view gzip_magic = "\x1f\x8b";
constexpr std::string_view zstd_magic = "\x28\xb5\x2f\xfd";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::optional<int> parse_digits(std::string_view digits, std::size_t count) {
  if (digits.size() < count)
    return std::nullopt;
  int value = 0;
  for (const char c : digits.substr(0, count)) {
    if (!is_digit(c))
      return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

/// From 5.0: "BLENDER", size of the header (17), '-', file format version (01), 'v', version.
result<blend_header> parse_long_header(std::string_view rest) {
  const error broken{errc::corrupt, "not a .blend (its header is broken or cut off)"};
  if (rest.size() < 10 || rest[2] != '-')
    return broken;
  if (!rest.starts_with("17-01"))
    return blend_header{.is_long = true}; // of a future Blender: Blender itself decides
  const auto version = rest[5] == 'v' ? parse_digits(rest.substr(6), 4) : std::nullopt;
  if (!version)
    return broken;
  return blend_header{.version = version, .is_long = true};
}

/// Up to 4.x: "BLENDER", pointers of 4 '_' or 8 '-' bytes, little 'v' or big 'V' endian, version.
result<blend_header> parse_short_header(std::string_view rest) {
  const bool known =
      rest.size() >= 2 && (rest[0] == '_' || rest[0] == '-') && (rest[1] == 'v' || rest[1] == 'V');
  const auto version = known ? parse_digits(rest.substr(2), 3) : std::nullopt;
  if (!version)
    return error{errc::corrupt, "not a .blend (its header is broken or cut off)"};
  return blend_header{.version = version};
}

} // namespace

result<blend_header> parse_blend_header(std::span<const std::byte> begin) {
  const std::string_view text{reinterpret_cast<const char*>(begin.data()), begin.size()};
  if (text.empty())
    return error{errc::corrupt, "the file is empty"};
  if (text.starts_with(gzip_magic))
    return blend_header{.packed = blend_header::packing::gzip};
  if (text.starts_with(zstd_magic))
    return blend_header{.packed = blend_header::packing::zstd};
  if (!text.starts_with(magic))
    return error{errc::corrupt, "not a .blend (it does not begin with BLENDER)"};
  const auto rest = text.substr(magic.size());
  const bool is_long = rest.size() >= 2 && is_digit(rest[0]) && is_digit(rest[1]);
  return is_long ? parse_long_header(rest) : parse_short_header(rest);
}

} // namespace kiln::blender
