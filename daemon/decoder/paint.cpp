// SPDX-License-Identifier: Apache-2.0
#include "decoder/paint.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>

#include <webp/decode.h>
#include <webp/encode.h>

namespace kiln::decoder {
namespace {

std::uint8_t to_byte(float value) {
  return value > 0 ? static_cast<std::uint8_t>(std::min(value, 1.0F) * 255 + 0.5F) : 0; // NaN is 0
}

float to_srgb(float linear) {
  return linear <= 0.0031308F ? 12.92F * linear : 1.055F * std::pow(linear, 1 / 2.4F) - 0.055F;
}

float from_srgb(float shown) {
  return shown <= 0.04045F ? shown / 12.92F : std::pow((shown + 0.055F) / 1.055F, 2.4F);
}

/// Straight alpha, as Blender shows it: a pixel without any keeps its colour.
void divide_by_alpha(std::vector<float>& rgba) {
  for (std::size_t i = 0; i + 3 < rgba.size(); i += 4)
    if (const float alpha = rgba[i + 3]; alpha != 0 && alpha != 1)
      for (std::size_t c = 0; c < 3; ++c)
        rgba[i + c] /= alpha;
}

void expose(std::vector<float>& rgba, double stops) {
  const auto factor = static_cast<float>(std::exp2(std::clamp(stops, -100.0, 100.0)));
  for (std::size_t i = 0; i < rgba.size(); ++i)
    if (i % 4 != 3)
      rgba[i] *= factor;
}

template<class Function>
void on_colours(std::vector<float>& rgba, Function change) {
  for (std::size_t i = 0; i < rgba.size(); ++i)
    if (i % 4 != 3)
      rgba[i] = change(rgba[i]);
}

struct webp_writer {
  webp_writer() { WebPMemoryWriterInit(&memory); }
  webp_writer(const webp_writer&) = delete;
  webp_writer& operator=(const webp_writer&) = delete;
  ~webp_writer() { WebPMemoryWriterClear(&memory); }
  WebPMemoryWriter memory{};
};

struct cell {
  int width = 0, height = 0; ///< 0: empty
  std::unique_ptr<std::uint8_t, decltype(&WebPFree)> pixels{nullptr, WebPFree};
};

cell read_cell(const std::vector<std::uint8_t>& webp) {
  cell made;
  int width = 0, height = 0;
  if (webp.empty() || !WebPGetInfo(webp.data(), webp.size(), &width, &height) ||
      std::max(width, height) > image::picture_wish::small)
    return made;
  made.pixels.reset(WebPDecodeRGBA(webp.data(), webp.size(), &width, &height));
  if (made.pixels) {
    made.width = width;
    made.height = height;
  }
  return made;
}

} // namespace

shown_pixels show(const picture& of, const image::picture_wish& wish, const cube* by) {
  if (!of.bytes().empty() && wish.exposure == 0)
    return {of.width(), of.height(), of.bytes()};
  auto rgba = of.means();
  if (of.is_linear()) {
    divide_by_alpha(rgba);
    expose(rgba, wish.exposure);
    if (by)
      by->show(rgba);
    else
      on_colours(rgba, to_srgb);
  } else if (wish.exposure != 0) {
    on_colours(rgba, from_srgb);
    expose(rgba, wish.exposure);
    on_colours(rgba, to_srgb);
  }
  shown_pixels shown{of.width(), of.height(), std::vector<std::uint8_t>(rgba.size())};
  std::ranges::transform(rgba, shown.rgba.begin(), to_byte);
  return shown;
}

result<std::string> encode_webp(const shown_pixels& pixels, const image::picture_wish& wish) {
  WebPConfig config;
  WebPPicture picture;
  constexpr float quality = 80;
  if (!WebPConfigPreset(&config, WEBP_PRESET_PHOTO, quality) || !WebPPictureInit(&picture))
    return error{errc::internal, "another libwebp than Kiln was built with"};
  config.method = 2; // of 0 to 6: larger ones take longer for a few percent
  config.lossless = wish.is_lossless;
  config.exact = wish.is_lossless;
  if (wish.is_lossless)
    config.quality = 20;
  picture.use_argb = wish.is_lossless;
  picture.width = pixels.width;
  picture.height = pixels.height;
  bool is_opaque = true;
  for (std::size_t i = 3; i < pixels.rgba.size() && is_opaque; i += 4)
    is_opaque = pixels.rgba[i] == 255;
  webp_writer writer;
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &writer.memory;
  const auto* first = pixels.rgba.data();
  const int stride = pixels.width * 4;
  const bool is_encoded = (is_opaque ? WebPPictureImportRGBX(&picture, first, stride)
                                     : WebPPictureImportRGBA(&picture, first, stride)) &&
                          WebPEncode(&config, &picture);
  const auto why = picture.error_code;
  WebPPictureFree(&picture);
  if (!is_encoded)
    return error{errc::corrupt, "the picture cannot be made: error " + std::to_string(why) + " of libwebp"};
  return std::string{reinterpret_cast<const char*>(writer.memory.mem), writer.memory.size};
}

std::vector<std::uint8_t> rows_of_video(const shown_pixels& pixels, const image::picture_wish& wish) {
  const auto width = static_cast<std::size_t>(wish.width), height = static_cast<std::size_t>(wish.height);
  const auto from_width = static_cast<std::size_t>(pixels.width);
  const auto from_height = static_cast<std::size_t>(pixels.height);
  std::vector<std::uint8_t> rows(width * height * (wish.is_opaque ? 3 : 4));
  auto* to = rows.data();
  for (std::size_t y = 0; y < height; ++y) {
    const auto* row = pixels.rgba.data() + y * from_height / height * from_width * 4;
    for (std::size_t x = 0; x < width; ++x) {
      const auto* from = row + (from_width == width ? x : x * from_width / width) * 4;
      if (!wish.is_opaque) {
        std::memcpy(to, from, 4);
        to += 4;
        continue;
      }
      for (std::size_t c = 0; c < 3; ++c)
        *to++ = from[3] == 255 ? from[c] : static_cast<std::uint8_t>((from[c] * from[3] + 127) / 255);
    }
  }
  return rows;
}

result<std::string> make_sheet(image::image_source& file, const image::picture_wish& wish) {
  constexpr int most_cells = 1000;
  constexpr std::uint32_t largest_picture = 1 << 20;
  if (wish.columns < 1 || wish.rows < 1 || wish.columns > most_cells / wish.rows)
    return error{errc::invalid_input, "a sheet of this size cannot be made"};
  std::vector<cell> cells;
  int width = 0, height = 0; // of a cell
  for (std::uint64_t at = 0; at < file.size() && cells.size() < most_cells;) {
    std::array<std::uint8_t, 4> begin{};
    if (file.size() - at < begin.size() || !file.read(at, std::as_writable_bytes(std::span{begin})))
      return error{errc::corrupt, "the list of pictures ends too early"};
    std::uint32_t size = 0;
    for (std::size_t i = begin.size(); i-- > 0;)
      size = size << 8 | begin[i];
    at += begin.size();
    if (size > largest_picture || size > file.size() - at)
      return error{errc::corrupt, "a picture in the list is larger than it may be"};
    std::vector<std::uint8_t> bytes(size);
    if (!file.read(at, std::as_writable_bytes(std::span{bytes})))
      return error{errc::corrupt, "the list of pictures cannot be read"};
    at += size;
    cells.push_back(read_cell(bytes));
    width = std::max(width, cells.back().width);
    height = std::max(height, cells.back().height);
  }
  if (width == 0)
    return error{errc::corrupt, "there is no picture in the list"};
  shown_pixels sheet{wish.columns * width, wish.rows * height, {}};
  const auto line = static_cast<std::size_t>(sheet.width) * 4;
  sheet.rgba.resize(line * static_cast<std::size_t>(sheet.height));
  for (int number = 0; number < std::min(wish.columns * wish.rows, static_cast<int>(cells.size()));
       ++number) {
    const auto& one = cells[static_cast<std::size_t>(number)];
    const auto left = static_cast<std::size_t>(number % wish.columns * width + (width - one.width) / 2) * 4;
    const auto top = static_cast<std::size_t>(number / wish.columns * height + (height - one.height) / 2);
    const auto of_one = static_cast<std::size_t>(one.width) * 4;
    for (std::size_t y = 0; y < static_cast<std::size_t>(one.height); ++y)
      std::memcpy(sheet.rgba.data() + (top + y) * line + left, one.pixels.get() + y * of_one, of_one);
  }
  return encode_webp(sheet, wish);
}

} // namespace kiln::decoder
