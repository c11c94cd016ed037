// SPDX-License-Identifier: Apache-2.0
//
// Makes WebP of pictures and of sheets of pictures.
#pragma once

#include "base/error.hpp"
#include "decoder/cube.hpp"
#include "decoder/picture.hpp"
#include "image/image_structure.hpp"
#include "image/picture_wish.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kiln::decoder {

/// Pixels that are shown: RGBA of 8 bits, straight.
struct shown_pixels {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgba;
};

/// The colours of a picture as the wish wants them. `by`: shows linear ones; null: the transfer function of
/// sRGB does.
[[nodiscard]] shown_pixels show(const picture& of, const image::picture_wish& wish, const cube* by = nullptr);

/// Into a file in WebP.
[[nodiscard]] result<std::string> encode_webp(const shown_pixels& pixels, const image::picture_wish& wish);

/// The rows of a frame of a video of the size in the wish: larger than the pixels only if the image is
/// smaller than the video.
[[nodiscard]] std::vector<std::uint8_t> rows_of_video(const shown_pixels& pixels,
                                                      const image::picture_wish& wish);

/// Puts the pictures in the file (image::sheet_entry) side by side, in cells as large as the largest of them.
/// One that is not a WebP, or too large, is left out. corrupt if the file is not such a list.
[[nodiscard]] result<std::string> make_sheet(image::image_source& file, const image::picture_wish& wish);

} // namespace kiln::decoder
