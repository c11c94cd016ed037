// SPDX-License-Identifier: Apache-2.0
#include "image/jpeg_structure.hpp"

#include "image/source_reader.hpp"

namespace kiln::image {
namespace {

constexpr unsigned char soi = 0xd8, eoi = 0xd9, sos = 0xda;

bool is_frame(unsigned char marker) { // T.81 table B.1: SOF0 to SOF15 without DHT, JPG and DAC
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

bool stands_alone(unsigned char marker) {
  return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7);
} // TEM, RSTn

/// Skips the scan's data up to the marker that ends it; nullopt if the file ends before.
std::optional<unsigned char> skip_scan(source_reader& in) {
  for (bool after_ff = false;;) {
    const auto b = in.byte();
    if (!b)
      return std::nullopt;
    if (after_ff && *b != 0x00 && *b != 0xff && !stands_alone(*b))
      return b;
    after_ff = *b == 0xff;
  }
}

} // namespace

result<void> check_jpeg(image_source& file) {
  source_reader in{file};
  if (in.byte() != 0xff || in.byte() != soi)
    return broken(in, "JPEG: the beginning is broken or cut off");
  bool has_frame = false;
  bool has_scan = false;
  std::optional<unsigned char> marker; // already read
  for (;;) {
    if (!marker) {
      if (in.byte() != 0xff)
        return broken(in, "JPEG: a marker is missing or the file is cut off");
      do
        marker = in.byte();
      while (marker == 0xff); // fill bytes
      if (!marker)
        return broken(in, "JPEG: ends without EOI");
    }
    if (*marker == eoi) {
      if (!has_frame || !has_scan)
        return broken(in, "JPEG: there is no image before EOI");
      if (in.left() != 0)
        return broken(in, "JPEG: something follows EOI");
      return {};
    }
    if (*marker == soi || *marker == 0x00)
      return broken(in, "JPEG: a marker is out of place");
    if (!stands_alone(*marker)) {
      const auto length = in.number(2, source_reader::order::big); // counts itself
      if (!length || *length < 2)
        return broken(in, "JPEG: a segment is broken or cut off");
      auto rest = *length - 2;
      if (is_frame(*marker)) {
        (void)in.byte(); // sample precision
        const auto height = in.number(2, source_reader::order::big);
        const auto width = in.number(2, source_reader::order::big);
        if (rest < 6 || !height || !width || *height == 0 || *width == 0)
          return broken(in, "JPEG: the frame header is broken, or the image has no pixels");
        rest -= 5;
        has_frame = true;
      }
      if (!in.skip(rest))
        return broken(in, "JPEG: ends in the middle of a segment");
    }
    if (*marker == sos) {
      if (!has_frame)
        return broken(in, "JPEG: a scan comes before its frame");
      has_scan = true;
      marker = skip_scan(in);
      if (!marker)
        return broken(in, "JPEG: ends without EOI");
    } else {
      marker.reset();
    }
  }
}

} // namespace kiln::image
