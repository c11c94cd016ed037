// SPDX-License-Identifier: Apache-2.0
//
// Looks into a .blend that may be packed (gzip to Blender 2.9, zstd since 3.0), no further than its first
// blocks: what is packed there may unpack to anything.
#pragma once

#include "base/error.hpp"
#include "blender/blend_file.hpp"
#include "blender/render_info.hpp"

#include <cstddef>
#include <optional>
#include <span>

namespace kiln::blender {

/// So many bytes from the beginning of a file say all that look_into() can.
inline constexpr std::size_t telling_size = 320 * 1024;

struct blend_facts {
  blend_header header;
  std::optional<render_info> render = {}; ///< where the file says so
  std::optional<int> minimum = {}; ///< the oldest Blender that reads it, where the file says so: 306 = 3.6

  friend bool operator==(const blend_facts&, const blend_facts&) = default;
};

/// What the first bytes of a file say, those inside included. corrupt, saying why, when it is not a .blend.
[[nodiscard]] result<blend_facts> look_into(std::span<const std::byte> begin);

} // namespace kiln::blender
