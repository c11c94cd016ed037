// SPDX-License-Identifier: Apache-2.0
#include "decoder/formats.hpp"
#include "image/jpeg_structure.hpp"
#include "image/source_reader.hpp"

#include <csetjmp>
#include <cstdio> // jpeglib.h uses FILE and does not include it

#include <jpeglib.h>

namespace kiln::decoder {
namespace {

/// A progressive image may have any number of scans, each of the whole image.
constexpr int max_scans = 500;

/// libjpeg reports errors by longjmp: objects with destructors are here, outside of the skipped stack frames.
struct jpeg_reading {
  jpeg_reading(image_source& file, picture& pixels) : in(file), drawn(pixels) {}
  jpeg_reading(const jpeg_reading&) = delete;
  jpeg_reading& operator=(const jpeg_reading&) = delete;
  ~jpeg_reading() { jpeg_destroy_decompress(&jpeg); }

  image::source_reader in;
  picture& drawn;
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  std::jmp_buf leave{};
  std::vector<JSAMPLE> row;
  std::string failure;
};

jpeg_reading& jpeg_of(j_common_ptr jpeg) {
  return *static_cast<jpeg_reading*>(jpeg->client_data);
}

[[noreturn]] void fail(jpeg_reading& r, const char* why) {
  r.failure = why;
  std::longjmp(r.leave, 1);
}

[[noreturn]] void fail_with_message(j_common_ptr jpeg) {
  char text[JMSG_LENGTH_MAX] = {};
  jpeg->err->format_message(jpeg, text);
  fail(jpeg_of(jpeg), text);
}

/// Level -1 is a warning: data is broken, and libjpeg would replace it.
void on_message(j_common_ptr jpeg, int level) {
  if (level < 0)
    fail_with_message(jpeg);
}

boolean take_bytes(j_decompress_ptr jpeg) {
  auto& r = jpeg_of(reinterpret_cast<j_common_ptr>(jpeg));
  const auto piece = r.in.next(r.in.left());
  if (piece.empty())
    fail(r, "ends too early");
  r.source.next_input_byte = reinterpret_cast<const JOCTET*>(piece.data());
  r.source.bytes_in_buffer = piece.size();
  return TRUE;
}

void skip_bytes(j_decompress_ptr jpeg, long count) {
  auto& r = jpeg_of(reinterpret_cast<j_common_ptr>(jpeg));
  auto left = static_cast<std::size_t>(std::max(count, 0L));
  while (left > r.source.bytes_in_buffer) {
    left -= r.source.bytes_in_buffer;
    take_bytes(jpeg);
  }
  r.source.next_input_byte += left;
  r.source.bytes_in_buffer -= left;
}

void look_at_progress(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number > max_scans)
    fail(jpeg_of(jpeg), "has over 500 scans");
}

bool read_header(jpeg_reading& r) {
  if (setjmp(r.leave))
    return false;
  jpeg_create_decompress(&r.jpeg);
  r.jpeg.client_data = &r;
  r.jpeg.mem->max_memory_to_use = static_cast<long>(max_buffer);
  r.source.init_source = [](j_decompress_ptr) {};
  r.source.fill_input_buffer = take_bytes;
  r.source.skip_input_data = skip_bytes;
  r.source.resync_to_restart = jpeg_resync_to_restart;
  r.source.term_source = [](j_decompress_ptr) {};
  r.jpeg.src = &r.source;
  r.progress.progress_monitor = look_at_progress;
  r.jpeg.progress = &r.progress;
  jpeg_read_header(&r.jpeg, TRUE);
  return true;
}

bool read_pixels(jpeg_reading& r) {
  if (setjmp(r.leave))
    return false;
  jpeg_start_decompress(&r.jpeg);
  const int channels = r.jpeg.output_components;
  if (channels == 1 || channels == 3) // not CMYK
    r.drawn.begin(r.jpeg.output_width, r.jpeg.output_height, false);
  const byte_row pixels{r.row.data(), channels, static_cast<std::size_t>(channels), 1};
  while (r.jpeg.output_scanline < r.jpeg.output_height) {
    JSAMPROW row = r.row.data();
    const auto y = r.jpeg.output_scanline;
    jpeg_read_scanlines(&r.jpeg, &row, 1);
    r.drawn.add(y, 0, 1, r.jpeg.output_width, pixels);
  }
  jpeg_finish_decompress(&r.jpeg);
  return true;
}

} // namespace

result<image_facts> decode_jpeg(image_source& file, picture& drawn) {
  // The order of the segments, nothing after EOI.
  if (const auto whole = image::check_jpeg(file); !whole)
    return whole.error();
  jpeg_reading r{file, drawn};
  r.jpeg.err = jpeg_std_error(&r.errors);
  r.errors.error_exit = fail_with_message;
  r.errors.emit_message = on_message;
  r.jpeg.client_data = &r;
  if (!read_header(r))
    return error{errc::corrupt, "JPEG: " + r.failure + " (in the header)"};
  // A progressive image is held as coefficients of 16 bits.
  const auto components = static_cast<std::uint64_t>(r.jpeg.num_components);
  const std::uint64_t width = r.jpeg.image_width;
  const std::uint64_t height = r.jpeg.image_height;
  const auto buffer = width * components * 2 * (jpeg_has_multiple_scans(&r.jpeg) ? height : 1);
  if (const auto fits = check_dimensions("JPEG", width, height, buffer); !fits)
    return fits.error();
  r.row.resize(static_cast<std::size_t>(width) * 4);
  if (!read_pixels(r))
    return error{errc::corrupt,
                 "JPEG: " + r.failure + " (row " + std::to_string(r.jpeg.output_scanline) + ")"};
  return image_facts{
      "JPEG", static_cast<int>(width), static_cast<int>(height), r.jpeg.num_components, "uint8", {}};
}

} // namespace kiln::decoder
