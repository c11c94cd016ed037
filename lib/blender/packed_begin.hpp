// SPDX-License-Identifier: Apache-2.0
//
// Reads the first blocks of a .blend that may be packed (gzip to Blender 2.9, zstd since 3.0), and no more:
// the data may unpack to anything.
#pragma once

#include "base/error.hpp"
#include "blender/blend_file.hpp"
#include "blender/render_info.hpp"

#include <cstddef>
#include <optional>
#include <span>

namespace kiln::blender {

/// Bytes from the beginning of a file that suffice for look_into().
inline constexpr std::size_t telling_size = 320 * 1024;

struct blend_facts {
  blend_header header;
  std::optional<render_info> render = {}; ///< if the file contains it
  std::optional<int> minimum = {}; ///< the oldest Blender that reads it, if the file says so: 306 = 3.6

  friend bool operator==(const blend_facts&, const blend_facts&) = default;
};

/// The facts in the first bytes of a file, unpacked if necessary. corrupt, with the reason, if it is not a
/// .blend.
[[nodiscard]] result<blend_facts> look_into(std::span<const std::byte> begin);

} // namespace kiln::blender
