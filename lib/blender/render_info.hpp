// SPDX-License-Identifier: Apache-2.0
//
// What the first blocks of a .blend say: of its frames (REND, which Blender writes for programs that do not
// read the rest), and of the Blenders that can read it (GLOB). Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace kiln::blender {

/// Bytes of an unpacked .blend that hold both: between them is the preview, of at most 256 x 256 pixels.
inline constexpr std::size_t render_info_size = 320 * 1024;

struct render_info {
  int frame_start = 0;
  int frame_end = 0;
  std::string scene; ///< the active one

  friend bool operator==(const render_info&, const render_info&) = default;
};

/// `begin`: of a .blend that is not packed. Nothing when it does not say, or not in a way that is known (2.5
/// to 5.x).
[[nodiscard]] std::optional<render_info> parse_render_info(std::span<const std::byte> begin);

/// The oldest Blender that reads the file as its writer says: 306 = 3.6 (what 4.3 writes), 405 = 4.5
/// (what 5.2 writes). Nothing where GLOB is not among the given bytes.
[[nodiscard]] std::optional<int> parse_minimum_version(std::span<const std::byte> begin);

} // namespace kiln::blender
