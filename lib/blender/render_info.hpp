// SPDX-License-Identifier: Apache-2.0
//
// What a .blend says of its frames in its first block (REND), which Blender writes for programs that do not
// read the rest: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace kiln::blender {

inline constexpr std::size_t render_info_size = 256; ///< bytes of an unpacked .blend that hold it

struct render_info {
  int frame_start = 0;
  int frame_end = 0;
  std::string scene; ///< the active one

  friend bool operator==(const render_info&, const render_info&) = default;
};

/// `begin`: of a .blend that is not packed. Nothing when it does not say, or not in a way that is known (2.5
/// to 5.x).
[[nodiscard]] std::optional<render_info> parse_render_info(std::span<const std::byte> begin);

} // namespace kiln::blender
