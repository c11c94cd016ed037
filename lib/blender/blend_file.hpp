// SPDX-License-Identifier: Apache-2.0
//
// Parses the first bytes of a .blend: pure. The daemon reads nothing else of the file.
#pragma once

#include "base/error.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace kiln::blender {

inline constexpr std::size_t blend_header_size = 64; ///< bytes from the beginning that contain all facts

struct blend_header {
  enum class packing { none, gzip, zstd };
  packing packed = packing::none;
  std::optional<int> version = {}; ///< 304 = 3.4, 500 = 5.0; unknown if packed or from a future version
  bool is_long = false; ///< has the 17-byte header, which Blender reads from 4.5 on and writes from 5.0 on

  friend bool operator==(const blend_header&, const blend_header&) = default;
};

/// In the order of blend_header::packing; used by the store and the API.
inline constexpr std::array<std::string_view, 3> packing_names{"none", "gzip", "zstd"};

[[nodiscard]] constexpr std::string_view to_string(blend_header::packing packed) noexcept {
  return packing_names.at(static_cast<std::size_t>(packed));
}

/// corrupt, with the reason, unless it begins like a .blend: "BLENDER" + pointer size '_' or '-' + endianness
/// 'v' or 'V' + three digits (to 4.x), "BLENDER17-01v" + four digits (5.0 and newer), or gzip (to 2.9x) or
/// zstd (from 3.0) data.
[[nodiscard]] result<blend_header> parse_blend_header(std::span<const std::byte> begin);

} // namespace kiln::blender
