// SPDX-License-Identifier: Apache-2.0
//
// What kiln-image says of an image, as one line of JSON:
// {"ok":true,"format":"PNG","width":1920,"height":1080, "channels":4,"type":"uint8","layers":[]} or
// {"ok":false,"error":"PNG: ..."}. Pure.
#pragma once

#include "base/error.hpp"
#include "image/image_facts.hpp"

#include <string_view>

namespace kiln::image {

/// What kiln-image sends first, once it is ready.
inline constexpr std::string_view decoder_greeting = "kiln-image 1";

/// No answer is longer, in bytes.
inline constexpr std::size_t max_answer = 64 * 1024;

/// Text that is not UTF-8 loses what is not ASCII; of an error the first 1000 bytes are kept, of the layers
/// as many as fit.
[[nodiscard]] std::string format_image_answer(const result<image_facts>& checked);

/// What was formatted; corrupt with the decoder's text when it refused the image. internal when this is no
/// answer at all: it comes from a process that hostile images may have taken over.
[[nodiscard]] result<image_facts> parse_image_answer(std::string_view text);

} // namespace kiln::image
