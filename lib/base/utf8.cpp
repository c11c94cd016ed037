// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace kiln {
namespace {

/// Of the sequence that the byte begins; 0 when none begins with it.
std::size_t length_of_sequence(unsigned char first) noexcept {
  if (first < 0x80)
    return 1;
  if (first >= 0xc2 && first <= 0xdf)
    return 2;
  if (first >= 0xe0 && first <= 0xef)
    return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

} // namespace

bool is_line_of_text(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const auto first = static_cast<unsigned char>(bytes.front());
    const auto length = length_of_sequence(first);
    if (length == 0 || length > bytes.size())
      return false;
    constexpr unsigned char payload[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    std::uint32_t code = first & payload[length];
    for (const char next : bytes.substr(1, length - 1)) {
      if ((static_cast<unsigned char>(next) & 0xc0U) != 0x80)
        return false;
      code = code << 6U | (static_cast<unsigned char>(next) & 0x3fU);
    }
    const bool too_long = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    if (too_long || is_control || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      return false;
    bytes.remove_prefix(length);
  }
  return true;
}

} // namespace kiln
