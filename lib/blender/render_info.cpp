// SPDX-License-Identifier: Apache-2.0
#include "blender/render_info.hpp"

#include "base/utf8.hpp"

#include <cstdint>
#include <string_view>

namespace kiln::blender {
namespace {

/// How the blocks of a file are written.
struct block_layout {
  std::size_t header_size = 0; ///< of the file
  std::size_t block_header = 0;
  std::size_t length_at = 0; ///< where a block's header has the block's length
  bool is_big_endian = false;
};

std::optional<block_layout> layout_of(std::string_view text) {
  if (text.size() < 17 || !text.starts_with("BLENDER"))
    return std::nullopt;
  if (text.substr(7).starts_with("17-01v")) // code, SDNA index, old address, length (8 bytes), count
    return block_layout{.header_size = 17, .block_header = 32, .length_at = 16};
  const char pointer = text[7], endian = text[8];
  if ((pointer != '_' && pointer != '-') || (endian != 'v' && endian != 'V'))
    return std::nullopt;
  // code, length (4 bytes), old address, SDNA index, count
  return block_layout{.header_size = 12,
                      .block_header = pointer == '-' ? 24U : 20U,
                      .length_at = 4,
                      .is_big_endian = endian == 'V'};
}

std::int32_t read_number(std::string_view four_bytes, bool is_big_endian) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8U | static_cast<unsigned char>(four_bytes[is_big_endian ? i : 3 - i]);
  return static_cast<std::int32_t>(value);
}

} // namespace

std::optional<render_info> parse_render_info(std::span<const std::byte> begin) {
  const std::string_view text{reinterpret_cast<const char*>(begin.data()), begin.size()};
  const auto layout = layout_of(text);
  if (!layout || text.size() < layout->header_size + layout->block_header)
    return std::nullopt;
  const auto block = text.substr(layout->header_size);
  constexpr std::size_t numbers = 8, longest_name = 64; // two of them, then the scene's name
  const auto length = read_number(block.substr(layout->length_at), layout->is_big_endian);
  if (!block.starts_with("REND") || length < static_cast<int>(numbers) + 2)
    return std::nullopt;
  const auto data = block.substr(layout->block_header, static_cast<std::size_t>(length));
  if (data.size() < numbers)
    return std::nullopt;
  const auto name = data.substr(numbers, longest_name);
  render_info found{.frame_start = read_number(data, layout->is_big_endian),
                    .frame_end = read_number(data.substr(4), layout->is_big_endian),
                    .scene = std::string{name.substr(0, name.find('\0'))}};
  if (!is_line_of_text(found.scene))
    return std::nullopt;
  return found;
}

} // namespace kiln::blender
