// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"

#include <cstdint>
#include <iterator>

#include <utf8.h>

namespace kiln {

bool is_line_of_text(std::string_view bytes) noexcept {
  if (!utf8::is_valid(bytes.begin(), bytes.end()))
    return false;
  for (auto at = bytes.begin(); at != bytes.end();) {
    const std::uint32_t code = utf8::unchecked::next(at);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) // a control character
      return false;
  }
  return true;
}

std::string as_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  utf8::replace_invalid(bytes.begin(), bytes.end(), std::back_inserter(text), '?');
  return text;
}

std::string_view first_characters(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most)
    return text;
  const auto is_within_character = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
  };
  while (most > 0 && is_within_character(most))
    --most;
  return text.substr(0, most);
}

std::string_view without_begun_character(std::string_view bytes) noexcept {
  constexpr std::size_t longest = 4;
  for (std::size_t back = 1; back < longest && back <= bytes.size(); ++back) {
    const auto lead = static_cast<unsigned char>(bytes[bytes.size() - back]);
    if ((lead & 0xc0U) == 0x80U) // within a character
      continue;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return length > back ? bytes.substr(0, bytes.size() - back) : bytes;
  }
  return bytes;
}

} // namespace kiln
