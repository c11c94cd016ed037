// SPDX-License-Identifier: Apache-2.0
//
// Iterates over the blocks at the beginning of an unpacked .blend: pure. Accepts any bytes and reads only
// within them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kiln::blender {

struct file_block {
  std::string_view code; ///< four characters: "REND", "GLOB"
  std::string_view data; ///< truncated where the given bytes end
  bool is_big_endian = false;

  /// A signed number in the data, which must contain it.
  [[nodiscard]] std::int32_t int32_at(std::size_t offset) const;
  [[nodiscard]] std::int16_t int16_at(std::size_t offset) const;
};

class file_blocks {
public:
  /// `begin`: the first bytes of the file; they must outlive this object.
  explicit file_blocks(std::span<const std::byte> begin);

  /// The next block. Nullopt if the bytes end, a length is impossible, or the header of the file is unknown.
  [[nodiscard]] std::optional<file_block> next();

private:
  std::string_view rest_;
  std::size_t header_size_ = 0; ///< of a block
  std::size_t length_at_ = 0;   ///< offset of the data length in a block's header
  bool has_long_lengths_ = false;
  bool is_big_endian_ = false;
};

} // namespace kiln::blender
