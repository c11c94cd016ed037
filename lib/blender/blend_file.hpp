// SPDX-License-Identifier: Apache-2.0
//
// What the first bytes of a .blend tell: pure. Nothing else of the file is read in the daemon.
#pragma once

#include "base/error.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace kiln::blender {

inline constexpr std::size_t blend_header_size =
    64; ///< bytes from the beginning that say all there is to say

struct blend_header {
  enum class packing { none, gzip, zstd };
  packing packed = packing::none;
  std::optional<int> version = {}; ///< 304 = 3.4, 500 = 5.0; unknown when packed, or of the future
  bool is_long = false; ///< the header of 17 bytes, which Blender reads from 4.5 on and writes from 5.0 on

  friend bool operator==(const blend_header&, const blend_header&) = default;
};

/// In the order of blend_header::packing; as the store and the API have them.
inline constexpr std::array<std::string_view, 3> packing_names{"none", "gzip", "zstd"};

[[nodiscard]] constexpr std::string_view to_string(blend_header::packing packed) noexcept {
  return packing_names.at(static_cast<std::size_t>(packed));
}

/// corrupt, saying why, unless it begins as a .blend does: "BLENDER" + pointer size '_' or '-' + endianness
/// 'v' or 'V' + three digits (to 4.x), "BLENDER17-01v" + four digits (5.0 and newer), or as gzip (to 2.9x) or
/// zstd (from 3.0) data.
[[nodiscard]] result<blend_header> parse_blend_header(std::span<const std::byte> begin);

} // namespace kiln::blender
