// SPDX-License-Identifier: Apache-2.0
//
// The kinds of files that frames can be: a row for each. A new one takes a row here and in kiln_checks.py (a
// test compares them), and its decoder (daemon/decoder).
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace kiln::domain {

struct image_format {
  std::string_view name; ///< Blender's, of ImageFormatSettings.file_format; so jobs name it as well
  std::string_view extension;
  std::string_view media_type; ///< IANA's, but for OpenEXR, which has none
  int longest_side = 0;        ///< pixels that its header can hold; 0: more than Blender renders
};

inline constexpr std::array image_formats{
    image_format{"PNG", ".png", "image/png"},
    image_format{"OPEN_EXR", ".exr", "image/x-exr"},
    image_format{"OPEN_EXR_MULTILAYER", ".exr", "image/x-exr"},
    image_format{"JPEG", ".jpg", "image/jpeg", 65500},
    image_format{"TIFF", ".tif", "image/tiff"},
    image_format{"WEBP", ".webp", "image/webp", 16383},
};

/// The first format whose files end so; nullptr when there is none.
[[nodiscard]] constexpr const image_format* find_format_by_extension(std::string_view extension) noexcept {
  const auto* found = std::ranges::find(image_formats, extension, &image_format::extension);
  return found == image_formats.end() ? nullptr : found;
}

} // namespace kiln::domain
