// SPDX-License-Identifier: Apache-2.0
//
// Decodes a whole image, every pixel of every part, and keeps none: what can be decoded is a whole image. For
// kiln-image, a process of its own, since a hostile file may make a decoder crash. One image at a time.
#pragma once

#include "base/error.hpp"
#include "image/image_facts.hpp"
#include "image/image_structure.hpp"

namespace kiln::decoder {

using image::image_facts;
using image::image_source;

/// By the first bytes: PNG, JPEG, OpenEXR (not deep), TIFF or WebP. corrupt, saying what is wrong and where,
/// when the image cannot be decoded to its end, when something follows it (a TIFF has no end to tell), or
/// when it asks for too much: over 65536 pixels a side, over 1 GiB at once.
[[nodiscard]] result<image_facts> decode(image_source& file);

} // namespace kiln::decoder
