// SPDX-License-Identifier: Apache-2.0
//
// A function for each format: see decode(). Each adds the first page of its image to `drawn`, if it can. They
// may throw exceptions of the libraries.
#pragma once

#include "decoder/decode.hpp"

#include <string_view>

namespace kiln::decoder {

[[nodiscard]] result<image_facts> decode_png(image_source& file, picture& drawn);
[[nodiscard]] result<image_facts> decode_jpeg(image_source& file, picture& drawn);
[[nodiscard]] result<image_facts> decode_exr(image_source& file, picture& drawn, std::string_view layer);
[[nodiscard]] result<image_facts> decode_tiff(image_source& file, picture& drawn);
[[nodiscard]] result<image_facts> decode_webp(image_source& file, picture& drawn);

inline constexpr std::uint64_t max_side = 65536;                ///< pixels
inline constexpr std::uint64_t max_buffer = 1024 * 1024 * 1024; ///< bytes that an image may need at once

/// corrupt if a side is 0 or over max_side, or `buffer` is over max_buffer. Call it before allocating. A time
/// limit (time_limit.hpp) is raised by the number of pixels.
[[nodiscard]] result<void> check_dimensions(std::string_view format, std::uint64_t width,
                                            std::uint64_t height, std::uint64_t buffer);

} // namespace kiln::decoder
