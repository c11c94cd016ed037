// SPDX-License-Identifier: Apache-2.0
#include "decoder/decode.hpp"

#include "decoder/formats.hpp"
#include "decoder/time_limit.hpp"

#include <algorithm>
#include <array>
#include <new>

namespace kiln::decoder {
namespace {

using namespace std::string_view_literals;

result<image_facts> decode_known(image_source& file, picture& drawn, std::string_view layer) {
  if (file.size() == 0)
    return error{errc::corrupt, "the file is empty"};
  std::array<char, 12> begin{};
  const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), begin.size()));
  if (const auto got = file.read(0, std::as_writable_bytes(std::span{begin}).first(there)); !got)
    return got.error();
  const std::string_view magic{begin.data(), there};
  if (magic.starts_with("\x89P"sv))
    return decode_png(file, drawn);
  if (magic.starts_with("\xff\xd8"sv))
    return decode_jpeg(file, drawn);
  if (magic.starts_with("\x76\x2f\x31\x01"sv))
    return decode_exr(file, drawn, layer);
  if (magic.starts_with("II*\0"sv) || magic.starts_with("MM\0*"sv) || magic.starts_with("II+\0"sv) ||
      magic.starts_with("MM\0+"sv))
    return decode_tiff(file, drawn);
  if (magic.starts_with("RIFF"sv) && magic.ends_with("WEBP"sv) && magic.size() == begin.size())
    return decode_webp(file, drawn);
  return error{errc::corrupt, "neither PNG, JPEG, OpenEXR, TIFF nor WebP"};
}

} // namespace

result<image_facts> decode(image_source& file) {
  picture none{0};
  return decode(file, none);
}

result<image_facts> decode(image_source& file, picture& drawn, std::string_view layer) {
  try {
    return decode_known(file, drawn, layer);
  } catch (const std::bad_alloc&) {
    return error{errc::corrupt, "the image needs more memory than a decoder may have"};
  } catch (const std::exception& e) {
    return error{errc::corrupt, e.what()};
  }
}

result<void> check_dimensions(std::string_view format, std::uint64_t width, std::uint64_t height,
                              std::uint64_t buffer) {
  const auto refuse = [&](const std::string& why) {
    return error{errc::corrupt, std::string{format} + ": " + why};
  };
  const auto size = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (width == 0 || height == 0)
    return refuse("the image has no pixels");
  if (width > max_side || height > max_side)
    return refuse(size + " are too many: 65536 a side is the limit");
  if (buffer > max_buffer)
    return refuse(size + " need " + std::to_string(buffer) + " bytes at once: 1 GiB is the limit");
  allow_time_for(width * height, 0);
  return {};
}

} // namespace kiln::decoder
