// SPDX-License-Identifier: Apache-2.0
#include "decoder/formats.hpp"
#include "image/png_structure.hpp"
#include "image/source_reader.hpp"

#include <png.h>

namespace kiln::decoder {
namespace {

/// libpng reports errors by longjmp: objects with destructors are here, outside of the skipped stack frames.
struct png_reading {
  png_reading(image_source& file, picture& pixels) : in(file), drawn(pixels) {}
  png_reading(const png_reading&) = delete;
  png_reading& operator=(const png_reading&) = delete;
  ~png_reading() { png_destroy_read_struct(&png, &info, nullptr); }

  image::source_reader in;
  picture& drawn;
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::vector<png_byte> row;
  std::string failure;
  png_uint_32 at_row = 0;
  int channels = 0;
  int bit_depth = 0;
};

png_reading& png_of(png_voidp pointer) {
  return *static_cast<png_reading*>(pointer);
}

[[noreturn]] void fail(png_structp png, png_const_charp what) {
  png_of(png_get_error_ptr(png)).failure = what;
  png_longjmp(png, 1);
}

/// Only warnings about the pixels' data count.
void warn(png_structp png, png_const_charp what) {
  if (std::string_view{what}.starts_with("IDAT"))
    fail(png, what);
}

void take_bytes(png_structp png, png_bytep into, std::size_t size) {
  auto& in = png_of(png_get_io_ptr(png)).in;
  while (size > 0) {
    const auto piece = in.next(size);
    if (piece.empty())
      fail(png, "ends too early");
    std::ranges::copy(std::as_bytes(piece), reinterpret_cast<std::byte*>(into));
    into += piece.size();
    size -= piece.size();
  }
}

bool read_header(png_reading& r) {
  if (setjmp(png_jmpbuf(r.png)))
    return false;
  png_read_info(r.png, r.info);
  r.channels =
      png_get_color_type(r.png, r.info) == PNG_COLOR_TYPE_PALETTE ? 3 : png_get_channels(r.png, r.info);
  r.bit_depth = png_get_bit_depth(r.png, r.info);
  return true;
}

/// Only those pixels of the row that the pass brings.
void add_pass(picture& to, png_uint_32 y, int pass, png_uint_32 width, byte_row row) {
  const auto begin = static_cast<png_uint_32>(PNG_PASS_START_COL(pass));
  const auto step = png_uint_32{1} << PNG_PASS_COL_SHIFT(pass);
  if (begin >= width)
    return;
  row.first += begin * row.pixel;
  row.pixel *= step;
  to.add(y, begin, step, (width - begin + step - 1) / step, row);
}

/// An interlaced image has seven passes, all decoded into the same row: the pixels are not kept.
bool read_pixels(png_reading& r) {
  if (setjmp(png_jmpbuf(r.png)))
    return false;
  const int passes = png_set_interlace_handling(r.png);
  if (r.drawn.is_wanted())
    png_set_expand(r.png); // palettes, 1 to 4 bits
  png_read_update_info(r.png, r.info);
  const auto height = png_get_image_height(r.png, r.info);
  const auto width = png_get_image_width(r.png, r.info);
  r.drawn.begin(width, height, false);
  const int channels = png_get_channels(r.png, r.info);
  const std::size_t sample = png_get_bit_depth(r.png, r.info) == 16 ? 2 : 1;
  const byte_row row{r.row.data(), channels, sample * static_cast<std::size_t>(channels), sample};
  for (int pass = 0; pass < passes; ++pass)
    for (r.at_row = 0; r.at_row < height; ++r.at_row) {
      png_read_row(r.png, r.row.data(), nullptr);
      if (passes == 1)
        r.drawn.add(r.at_row, 0, 1, width, row);
      else if (PNG_ROW_IN_INTERLACE_PASS(r.at_row, pass))
        add_pass(r.drawn, r.at_row, pass, width, row);
    }
  png_read_end(r.png, nullptr);
  return true;
}

} // namespace

result<image_facts> decode_png(image_source& file, picture& drawn) {
  // The order of the chunks, the checksums of all of them, nothing after IEND.
  if (const auto whole = image::check_png(file); !whole)
    return whole.error();
  image::source_reader head{file};
  (void)head.skip(16); // signature, length and name of IHDR
  const auto width = head.number(4, image::source_reader::order::big).value_or(0);
  const auto height = head.number(4, image::source_reader::order::big).value_or(0);
  if (const auto fits = check_dimensions("PNG", width, height, width * 8); !fits)
    return fits.error();

  png_reading r{file, drawn};
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, fail, warn);
  r.info = r.png ? png_create_info_struct(r.png) : nullptr;
  if (!r.info)
    throw std::bad_alloc{};
  png_set_read_fn(r.png, &r, take_bytes);
  png_set_user_limits(r.png, max_side, max_side);
  if (!read_header(r))
    return error{errc::corrupt, "PNG: " + r.failure + " (in the header)"};
  r.row.resize(static_cast<std::size_t>(width) * 8); // 4 channels of 16 bits
  if (!read_pixels(r))
    return error{errc::corrupt, "PNG: " + r.failure + " (row " + std::to_string(r.at_row) + ")"};
  return image_facts{"PNG",
                     static_cast<int>(width),
                     static_cast<int>(height),
                     r.channels,
                     r.bit_depth == 16 ? "uint16" : "uint8",
                     {}};
}

} // namespace kiln::decoder
