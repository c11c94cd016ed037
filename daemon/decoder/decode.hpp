// SPDX-License-Identifier: Apache-2.0
//
// Decodes every pixel of every part of an image and keeps none: an image that can be decoded is complete. For
// kiln-image, a separate process, since a hostile file may crash a decoder. One image at a time.
#pragma once

#include "base/error.hpp"
#include "decoder/picture.hpp"
#include "image/image_facts.hpp"
#include "image/image_structure.hpp"

#include <string_view>

namespace kiln::decoder {

using image::image_facts;
using image::image_source;

/// The format is determined by the first bytes: PNG, JPEG, OpenEXR (not deep), TIFF or WebP. corrupt, with
/// the fault and its place, if the image cannot be decoded to its end, if data follows it (a TIFF has no
/// recognizable end), or if it exceeds a limit: 65536 pixels a side, 1 GiB at once.
[[nodiscard]] result<image_facts> decode(image_source& file);

/// The same, and adds the pixels of the first page or frame to `drawn`; of OpenEXR those of a layer: the
/// named one, or else the one that Blender shows. corrupt if there is no such layer. A kind of image that
/// cannot be drawn (palettes of TIFF, CMYK) leaves `drawn` as it was.
[[nodiscard]] result<image_facts> decode(image_source& file, picture& drawn, std::string_view layer = {});

} // namespace kiln::decoder
