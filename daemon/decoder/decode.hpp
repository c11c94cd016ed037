// SPDX-License-Identifier: Apache-2.0
//
// Decodes every pixel of every part of an image and keeps none: an image that can be decoded is complete. For
// kiln-image, a separate process, since a hostile file may crash a decoder. One image at a time.
#pragma once

#include "base/error.hpp"
#include "image/image_facts.hpp"
#include "image/image_structure.hpp"

namespace kiln::decoder {

using image::image_facts;
using image::image_source;

/// The format is determined by the first bytes: PNG, JPEG, OpenEXR (not deep), TIFF or WebP. corrupt, with
/// the fault and its place, if the image cannot be decoded to its end, if data follows it (a TIFF has no
/// recognizable end), or if it exceeds a limit: 65536 pixels a side, 1 GiB at once.
[[nodiscard]] result<image_facts> decode(image_source& file);

} // namespace kiln::decoder
