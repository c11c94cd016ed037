// SPDX-License-Identifier: Apache-2.0
//
// The file formats of frames, one row each. A new format needs a row here and in kiln_checks.py (a test
// compares them), and a decoder (daemon/decoder).
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace kiln::domain {

struct image_format {
  std::string_view name; ///< Blender's ImageFormatSettings.file_format, also used by jobs
  std::string_view extension;
  std::string_view media_type; ///< registered with IANA, except for OpenEXR
  int longest_side = 0;        ///< limit of its header, in pixels; 0: more than Blender renders
};

inline constexpr std::array image_formats{
    image_format{"PNG", ".png", "image/png"},
    image_format{"OPEN_EXR", ".exr", "image/x-exr"},
    image_format{"OPEN_EXR_MULTILAYER", ".exr", "image/x-exr"},
    image_format{"JPEG", ".jpg", "image/jpeg", 65500},
    image_format{"TIFF", ".tif", "image/tiff"},
    image_format{"WEBP", ".webp", "image/webp", 16383},
};

/// The first format with this file extension; nullptr if there is none.
[[nodiscard]] constexpr const image_format* find_format_by_extension(std::string_view extension) noexcept {
  const auto* found = std::ranges::find(image_formats, extension, &image_format::extension);
  return found == image_formats.end() ? nullptr : found;
}

} // namespace kiln::domain
