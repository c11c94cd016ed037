// SPDX-License-Identifier: Apache-2.0
//
// What kiln-image says of an image, as one line of JSON:
// {"ok":true,"format":"PNG","width":1920,"height":1080,
// "channels":4,"type":"uint8","layers":[],"view":"file","picture":4211} or
// {"ok":false,"error":"PNG: ..."}. Pure.
#pragma once

#include "base/error.hpp"
#include "image/image_facts.hpp"

#include <string_view>

namespace kiln::image {

/// The first message of kiln-image, once it is ready.
inline constexpr std::string_view decoder_greeting = "kiln-image 2";

/// The error when nobody reads the rows of a video.
inline constexpr std::string_view no_reader = "the encoder takes no more frames";

/// The maximum length of an answer, in bytes.
inline constexpr std::size_t max_answer = 64 * 1024;

/// The largest picture, in bytes. It follows the answer in pieces.
inline constexpr std::size_t max_picture = 16 << 20;
inline constexpr std::size_t picture_piece = 64 * 1024;

/// Text that is not UTF-8 loses its non-ASCII bytes; an error is cut to 1000 bytes, and layers to those that
/// fit.
[[nodiscard]] std::string format_image_answer(const result<image_facts>& checked);

/// Bytes of the picture that follows an answer; 0 if none does.
[[nodiscard]] std::size_t picture_bytes(std::string_view answer);

/// The formatted facts; corrupt with the decoder's text if it refused the image. internal if this is not an
/// answer: it comes from a process that a hostile image may have taken over.
[[nodiscard]] result<image_facts> parse_image_answer(std::string_view text);

} // namespace kiln::image
