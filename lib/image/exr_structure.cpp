// SPDX-License-Identifier: Apache-2.0
//
// OpenEXR file layout, version 2: magic, version and flags, one header (several, ended by an empty one, when
// multi-part), one offset table a part, chunks.
#include "image/exr_structure.hpp"

#include "image/source_reader.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace kiln::image {
namespace {

using enum source_reader::order;

constexpr std::uint64_t tiled_flag = 0x200, non_image_flag = 0x800, multi_part_flag = 0x1000;
constexpr std::uint64_t max_chunks = 65536;
constexpr std::size_t max_parts = 1024;
constexpr std::size_t max_name = 255;

struct part {
  std::optional<std::int64_t> lines;
  std::optional<std::uint64_t> compression;
  std::optional<std::uint64_t> chunks; ///< attribute chunkCount
};

/// Bytes up to a zero; nullopt if too long or if the file ends.
std::optional<std::string> take_name(source_reader& in) {
  std::string name;
  for (;;) {
    const auto b = in.byte();
    if (!b || name.size() > max_name)
      return std::nullopt;
    if (*b == 0)
      return name;
    name += static_cast<char>(*b);
  }
}

std::int64_t as_signed(std::uint64_t value) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
}

/// One header; `ended` is set if there was only the byte that ends the list of headers.
result<part> take_header(source_reader& in, bool& ended) {
  part read;
  for (bool first = true;; first = false) {
    const auto name = take_name(in);
    if (!name)
      return broken(in, "OpenEXR: the header is cut off");
    if (name->empty()) {
      ended = first;
      return read;
    }
    const auto type = take_name(in);
    const auto size = in.number(4, little);
    if (!type || !size || *size > in.left())
      return broken(in, "OpenEXR: the header is cut off");
    const auto end = in.offset() + *size;
    if (*name == "dataWindow" && *size == 16) {
      (void)in.number(4, little);
      const auto top = in.number(4, little);
      (void)in.number(4, little);
      const auto bottom = in.number(4, little);
      if (top && bottom)
        read.lines = as_signed(*bottom) - as_signed(*top) + 1;
    } else if (*name == "compression" && *size == 1) {
      read.compression = in.number(1, little);
    } else if (*name == "chunkCount" && *size == 4) {
      read.chunks = in.number(4, little);
    }
    if (in.offset() > end || !in.skip(end - in.offset()))
      return broken(in, "OpenEXR: the header is cut off");
  }
}

/// The strings of an attribute of type stringvector, each preceded by its length.
bool skip_strings(source_reader& in, std::uint64_t end) {
  while (in.offset() < end) {
    const auto length = in.number(4, little);
    if (!length || *length > end - std::min(in.offset(), end) || !in.skip(*length))
      return false;
  }
  return in.offset() == end;
}

/// The channels of an attribute of type chlist: each a name and 16 bytes; an empty name ends them.
bool skip_channels(source_reader& in, std::uint64_t end) {
  constexpr std::uint64_t channel_size = 16;
  for (;;) {
    const auto name = take_name(in);
    if (!name || in.offset() > end)
      return false;
    if (name->empty())
      return in.offset() == end;
    if (!in.skip(channel_size))
      return false;
  }
}

/// The image of an attribute of type preview: width, height and four bytes per pixel.
bool skip_preview(source_reader& in, std::uint64_t size) {
  const auto width = in.number(4, little), height = in.number(4, little);
  return width && height && size >= 8 && *width <= size && *height <= size &&
         4 * *width * *height == size - 8 && in.skip(size - 8);
}

/// Skips the value of an attribute if it has the size of its type. OpenEXR 3.1 reads by type and ignores the
/// size, so it would otherwise see different attributes after it than we do.
bool skip_value(source_reader& in, std::string_view type, std::uint64_t size) {
  struct known_type {
    std::string_view name;
    std::uint64_t size;
  };
  constexpr std::array<known_type, 24> fixed{{{"box2f", 16},      {"box2i", 16},   {"chromaticities", 32},
                                              {"compression", 1}, {"double", 8},   {"envmap", 1},
                                              {"float", 4},       {"int", 4},      {"keycode", 28},
                                              {"lineOrder", 1},   {"m33d", 72},    {"m33f", 36},
                                              {"m44d", 128},      {"m44f", 64},    {"rational", 8},
                                              {"tiledesc", 9},    {"timecode", 8}, {"v2d", 16},
                                              {"v2f", 8},         {"v2i", 8},      {"v3d", 24},
                                              {"v3f", 12},        {"v3i", 12},     {"deepImageState", 1}}};
  if (const auto* found = std::ranges::find(fixed, type, &known_type::name);
      found != fixed.end() && found->size != size)
    return false;
  if (type == "chlist")
    return skip_channels(in, in.offset() + size);
  if (type == "stringvector")
    return skip_strings(in, in.offset() + size);
  if (type == "preview")
    return skip_preview(in, size);
  return in.skip(size);
}

/// Lines in a chunk, by compression: none, RLE, ZIPS, ZIP, PIZ, PXR24, B44, B44A, DWAA, DWAB.
std::optional<std::uint64_t> lines_of_chunk(std::uint64_t compression) {
  constexpr std::array<std::uint64_t, 10> lines{1, 1, 1, 16, 32, 16, 32, 32, 32, 256};
  return compression < lines.size() ? std::optional{lines[static_cast<std::size_t>(compression)]}
                                    : std::nullopt;
}

std::optional<std::uint64_t> count_chunks(const part& p) {
  if (p.chunks)
    return p.chunks;
  if (!p.lines || *p.lines < 1 || !p.compression)
    return std::nullopt;
  const auto each = lines_of_chunk(*p.compression);
  if (!each)
    return std::nullopt;
  return (static_cast<std::uint64_t>(*p.lines) + *each - 1) / *each;
}

} // namespace

result<void> check_exr(image_source& file) {
  source_reader in{file};
  if (in.number(4, little) != 20000630)
    return broken(in, "OpenEXR: the beginning is broken or cut off");
  const auto version = in.number(4, little);
  if (!version || (*version & 0xff) != 2)
    return broken(in, "OpenEXR: the version is unknown or cut off");
  if (*version & (tiled_flag | non_image_flag))
    return broken(in, "OpenEXR: tiled and deep images are not taken: Blender writes scan lines");
  const bool multi_part = *version & multi_part_flag;

  std::uint64_t chunks = 0;
  for (std::size_t parts = 0;; ++parts) {
    bool ended = false;
    const auto header = take_header(in, ended);
    if (!header)
      return header.error();
    if (ended && multi_part && parts > 0)
      break;
    const auto of_part = count_chunks(*header);
    if (!of_part || *of_part == 0 || parts > max_parts)
      return broken(in, "OpenEXR: the header says nothing of use about the size of the image");
    chunks += *of_part;
    if (chunks > max_chunks)
      return broken(in, "OpenEXR: too many chunks");
    if (!multi_part)
      break;
  }

  std::vector<std::uint64_t> offsets;
  for (std::uint64_t i = 0; i < chunks; ++i) {
    const auto offset = in.number(8, little);
    if (!offset)
      return broken(in, "OpenEXR: the offset table is cut off");
    if (*offset == 0)
      return broken(in, "OpenEXR: the image is not finished (a hole in the offset table)");
    offsets.push_back(*offset);
  }
  std::ranges::sort(offsets);
  std::uint64_t expected = in.offset(); // chunks follow each other without gaps, in any order
  for (const auto offset : offsets) {
    if (offset != expected || !in.go_to(offset))
      return broken(in, "OpenEXR: the offset table is broken");
    // Part number (multi-part only), y coordinate, size of the data.
    if (!in.skip(multi_part ? 8 : 4))
      return broken(in, "OpenEXR: ends in the middle of a chunk");
    const auto size = in.number(4, little);
    if (!size || *size == 0 || !in.skip(*size))
      return broken(in, "OpenEXR: ends in the middle of a chunk");
    expected = in.offset();
  }
  if (expected != file.size())
    return error{errc::corrupt,
                 "OpenEXR: something follows the image (byte " + std::to_string(expected) + ")"};
  return {};
}

result<void> check_exr_attributes(image_source& file) {
  source_reader in{file};
  (void)in.number(4, little);
  const bool multi_part = in.number(4, little).value_or(0) & multi_part_flag;
  for (std::size_t parts = 0;; ++parts) {
    if (parts > max_parts)
      return broken(in, "OpenEXR: over 1024 parts");
    bool first = true;
    for (;; first = false) {
      const auto name = take_name(in);
      if (name && name->empty())
        break;
      const auto type = name ? take_name(in) : std::nullopt;
      const auto size = type ? in.number(4, little) : std::nullopt;
      if (!size || *size > in.left())
        return broken(in, "OpenEXR: the header is cut off");
      if (!skip_value(in, *type, *size))
        return broken(in, "OpenEXR: an attribute has not the size of its type");
    }
    if (first || !multi_part)
      return {};
  }
}

} // namespace kiln::image
