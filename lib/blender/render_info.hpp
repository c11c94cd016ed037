// SPDX-License-Identifier: Apache-2.0
//
// Facts in the first blocks of a .blend: its frames (REND, which Blender writes for programs that do not read
// the rest) and the Blenders that can read it (GLOB). Pure.
#pragma once

#include "base/error.hpp"
#include "domain/frame_set.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kiln::blender {

/// Bytes of an unpacked .blend that contain both, with the preview of at most 256 x 256 pixels in between.
inline constexpr std::size_t render_info_size = 320 * 1024;

struct render_info {
  int frame_start = 0;
  int frame_end = 0;
  std::string scene; ///< the active one

  friend bool operator==(const render_info&, const render_info&) = default;
};

/// `begin`: of an unpacked .blend. Nullopt if it has no such block, or not in a known format (2.5 to 5.x).
[[nodiscard]] std::optional<render_info> parse_render_info(std::span<const std::byte> begin);

/// The frames of the scene that a job names, "" for the active one. invalid_input, for people, if the file
/// does not say them here, or if no job can have them.
[[nodiscard]] result<domain::frame_set> frames_of(const std::optional<render_info>& file,
                                                  std::string_view scene);

/// The oldest Blender that reads the file, according to its writer: 306 = 3.6 (written by 4.3), 405 = 4.5
/// (written by 5.2). Nullopt if GLOB is not in the given bytes.
[[nodiscard]] std::optional<int> parse_minimum_version(std::span<const std::byte> begin);

} // namespace kiln::blender
