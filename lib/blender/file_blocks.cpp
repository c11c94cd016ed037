// SPDX-License-Identifier: Apache-2.0
#include "blender/file_blocks.hpp"

namespace kiln::blender {
namespace {

constexpr std::size_t code_size = 4;

std::uint64_t read_number(std::string_view bytes, bool is_big_endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value = value << 8U | static_cast<unsigned char>(bytes[is_big_endian ? i : bytes.size() - 1 - i]);
  return value;
}

} // namespace

std::int32_t file_block::int32_at(std::size_t offset) const {
  return static_cast<std::int32_t>(read_number(data.substr(offset, 4), is_big_endian));
}

std::int16_t file_block::int16_at(std::size_t offset) const {
  return static_cast<std::int16_t>(read_number(data.substr(offset, 2), is_big_endian));
}

file_blocks::file_blocks(std::span<const std::byte> begin) {
  const std::string_view text{reinterpret_cast<const char*>(begin.data()), begin.size()};
  constexpr std::size_t short_header = 12, long_header = 17;
  if (text.size() < long_header || !text.starts_with("BLENDER"))
    return;
  if (text.substr(7).starts_with("17-01v")) { // code, SDNA index, old address, length (8 bytes), count
    rest_ = text.substr(long_header);
    header_size_ = 32;
    length_at_ = 16;
    has_long_lengths_ = true;
    return;
  }
  const char pointer = text[7], endian = text[8];
  if ((pointer != '_' && pointer != '-') || (endian != 'v' && endian != 'V'))
    return;
  rest_ = text.substr(short_header); // code, length (4 bytes), old address, SDNA index, count
  header_size_ = pointer == '-' ? 24U : 20U;
  length_at_ = 4;
  is_big_endian_ = endian == 'V';
}

std::optional<file_block> file_blocks::next() {
  if (header_size_ == 0 || rest_.size() < header_size_)
    return std::nullopt;
  const auto length = read_number(rest_.substr(length_at_, has_long_lengths_ ? 8 : 4), is_big_endian_);
  const auto limit = has_long_lengths_ ? std::uint64_t{INT64_MAX} : std::uint64_t{INT32_MAX};
  if (length > limit)
    return std::nullopt;
  const auto behind = rest_.substr(header_size_);
  const auto size = length < behind.size() ? static_cast<std::size_t>(length) : behind.size();
  const file_block found{rest_.substr(0, code_size), behind.substr(0, size), is_big_endian_};
  rest_ = behind.substr(size);
  return found;
}

} // namespace kiln::blender
