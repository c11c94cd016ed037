// SPDX-License-Identifier: Apache-2.0
//
// Looks into a .blend that may be packed (gzip to Blender 2.9, zstd since 3.0), no further than its first
// bytes: what is packed there may unpack to anything.
#pragma once

#include "base/error.hpp"
#include "blender/blend_file.hpp"
#include "blender/render_info.hpp"

#include <cstddef>
#include <optional>
#include <span>

namespace kiln::blends {

/// So many bytes from the beginning of a file say all that look_into() can.
inline constexpr std::size_t telling_size = 256 * 1024;

struct blend_facts {
  blender::blend_header header;
  std::optional<blender::render_info> render = {}; ///< where the file says so

  friend bool operator==(const blend_facts&, const blend_facts&) = default;
};

/// What the first bytes of a file say, those inside included. corrupt, saying why, when it is not a .blend.
[[nodiscard]] result<blend_facts> look_into(std::span<const std::byte> begin);

} // namespace kiln::blends
