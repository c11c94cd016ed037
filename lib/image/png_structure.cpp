// SPDX-License-Identifier: Apache-2.0
#include "image/png_structure.hpp"

#include "image/source_reader.hpp"

#include <zlib.h>

namespace kiln::image {
namespace {

constexpr std::string_view signature = "\x89PNG\r\n\x1a\n";
constexpr std::uint64_t max_chunk = 0x7fffffff; // 5.3 of the standard

std::uint32_t add_to_crc(std::uint32_t crc, std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

result<void> check_png(image_source& file) {
  source_reader in{file};
  for (const char c : signature)
    if (in.byte() != static_cast<unsigned char>(c))
      return broken(in, "PNG: the signature is broken or cut off");
  bool has_data = false;
  for (bool first = true;; first = false) {
    const auto length = in.number(4, source_reader::order::big);
    if (!length)
      return broken(in, "PNG: ends without IEND");
    std::array<std::byte, 4> type{};
    for (auto& b : type) {
      const auto c = in.byte();
      if (!c)
        return broken(in, "PNG: ends in the middle of a chunk");
      b = std::byte{*c};
    }
    const auto name = as_text(type);
    if (first != (name == "IHDR") || (first && *length != 13))
      return broken(in, "PNG: IHDR is not the first chunk, or not the only one");
    if (*length > max_chunk || *length > in.left())
      return broken(in, "PNG: ends in the middle of a chunk");
    auto crc = add_to_crc(0, type);
    std::array<std::byte, 13> header{};
    std::uint64_t done = 0;
    while (done < *length) {
      const auto piece = in.next(*length - done);
      if (piece.empty())
        return broken(in, "PNG: ends in the middle of a chunk");
      crc = add_to_crc(crc, piece);
      if (first)
        std::ranges::copy(piece, header.begin() + static_cast<std::ptrdiff_t>(done));
      done += piece.size();
    }
    if (in.number(4, source_reader::order::big) != crc)
      return broken(in, "PNG: the checksum of a chunk is wrong or cut off");
    const auto is_zero = [&](std::size_t at) {
      return std::all_of(header.begin() + static_cast<std::ptrdiff_t>(at),
                         header.begin() + static_cast<std::ptrdiff_t>(at) + 4,
                         [](std::byte b) { return b == std::byte{0}; });
    };
    if (first && (is_zero(0) || is_zero(4)))
      return broken(in, "PNG: the image has no pixels");
    has_data = has_data || (name == "IDAT" && *length > 0);
    if (name == "IEND") {
      if (*length != 0 || !has_data)
        return broken(in, "PNG: there is no image data before IEND");
      if (in.left() != 0)
        return broken(in, "PNG: something follows IEND");
      return {};
    }
  }
}

} // namespace kiln::image
