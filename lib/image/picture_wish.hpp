// SPDX-License-Identifier: Apache-2.0
//
// The request of kilnd for a picture of an image, or for a sheet of pictures, which kiln-image answers with a
// WebP, or for a frame of a video. A request is one line of JSON. Pure.
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace kiln::image {

struct picture_wish {
  static constexpr int small = 160; ///< pixels: of the picture that each check makes

  int longest = small;    ///< of its sides, in pixels
  double exposure = 0;    ///< stops
  std::string layer = {}; ///< of an OpenEXR image; empty: the one that Blender shows
  /// Not empty: linear colours are shown by the cube (daemon/decoder/cube.hpp) that comes with the request.
  /// Different cubes have different keys.
  std::string cube = {};
  bool is_lossless = false;
  int columns = 0; ///< over 0: the file holds pictures (sheet_entry), which come side by side
  int rows = 0;
  int width = 0; ///< over 0: a frame of a video of this size, whose rows go to a second descriptor
  int height = 0;
  bool is_opaque = false; ///< of a video: RGB over black; otherwise RGBA, straight

  friend bool operator==(const picture_wish&, const picture_wish&) = default;
};

[[nodiscard]] std::string format_picture_wish(const picture_wish& wish);
/// invalid_input if it is not one.
[[nodiscard]] result<picture_wish> parse_picture_wish(std::string_view text);

/// A picture of a sheet in the file from which the sheet is made: its length in 4 bytes, the lowest first,
/// then itself. Length 0: that cell stays empty.
[[nodiscard]] std::string sheet_entry(std::string_view picture);

} // namespace kiln::image
