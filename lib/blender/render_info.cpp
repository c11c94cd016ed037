// SPDX-License-Identifier: Apache-2.0
#include "blender/render_info.hpp"

#include "base/utf8.hpp"
#include "blender/file_blocks.hpp"

#include <fmt/format.h>

namespace kiln::blender {

std::optional<render_info> parse_render_info(std::span<const std::byte> begin) {
  const auto block = file_blocks{begin}.next();
  constexpr std::size_t numbers = 8, longest_name = 64; // two numbers, then the name of the scene
  if (!block || block->code != "REND" || block->data.size() < numbers + 2)
    return std::nullopt;
  const auto name = block->data.substr(numbers, longest_name);
  render_info found{.frame_start = block->int32_at(0),
                    .frame_end = block->int32_at(4),
                    .scene = std::string{name.substr(0, name.find('\0'))}};
  if (!is_line_of_text(found.scene))
    return std::nullopt;
  return found;
}

result<domain::frame_set> frames_of(const std::optional<render_info>& file, std::string_view scene) {
  constexpr auto how = "\"frames\":\"1-250\"";
  if (!file)
    return error{errc::invalid_input,
                 fmt::format("is missing, and the .blend does not say which it has: write {}", how)};
  if (!scene.empty() && scene != file->scene)
    return error{errc::invalid_input, fmt::format("is missing, and the .blend says only those of its active "
                                                  "scene \"{}\": write {}",
                                                  file->scene, how)};
  auto frames = domain::frame_set::range(file->frame_start, file->frame_end);
  if (!frames)
    return error{errc::invalid_input,
                 fmt::format("is missing, and those of the .blend, {} to {}, cannot be "
                             "rendered: {}",
                             file->frame_start, file->frame_end, frames.error().message)};
  return frames;
}

std::optional<int> parse_minimum_version(std::span<const std::byte> begin) {
  // DNA_fileGlobal_types.h, unchanged from 2.4 to 5.x: four characters, then subversion, minimum version and
  // minimum subversion as numbers of two bytes.
  constexpr std::size_t minimum_at = 6, needed = minimum_at + 2;
  constexpr int most_blocks = 8; // REND, TEST (the preview) and GLOB come first
  file_blocks blocks{begin};
  for (int i = 0; i < most_blocks; ++i) {
    const auto block = blocks.next();
    if (!block)
      return std::nullopt;
    if (block->code != "GLOB")
      continue;
    if (block->data.size() < needed)
      return std::nullopt;
    const int minimum = block->int16_at(minimum_at);
    constexpr int lowest = 100; // 1.00
    return minimum >= lowest ? std::optional{minimum} : std::nullopt;
  }
  return std::nullopt;
}

} // namespace kiln::blender
