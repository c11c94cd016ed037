// SPDX-License-Identifier: Apache-2.0
#include "image/image_structure.hpp"

#include "image/exr_structure.hpp"
#include "image/jpeg_structure.hpp"
#include "image/png_structure.hpp"

#include <algorithm>
#include <array>

namespace kiln::image {

result<std::string> check_image_structure(image_source& file) {
  if (file.size() == 0)
    return error{errc::corrupt, "the file is empty"};
  std::array<std::byte, 4> begin{};
  const auto known = std::min<std::uint64_t>(file.size(), begin.size());
  if (auto got = file.read(0, std::span{begin}.first(static_cast<std::size_t>(known))); !got)
    return got.error();
  const auto starts_with = [&](unsigned char a, unsigned char b) {
    return begin[0] == std::byte{a} && begin[1] == std::byte{b};
  };
  const auto named = [](const result<void>& whole, const char* format) {
    return whole ? result<std::string>{format} : result<std::string>{whole.error()};
  };
  if (starts_with(0x89, 'P'))
    return named(check_png(file), "PNG");
  if (starts_with(0xff, 0xd8))
    return named(check_jpeg(file), "JPEG");
  if (starts_with(0x76, 0x2f))
    return named(check_exr(file), "OpenEXR");
  return error{errc::corrupt, "neither PNG, JPEG nor OpenEXR"};
}

} // namespace kiln::image
