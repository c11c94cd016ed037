// SPDX-License-Identifier: Apache-2.0
#include "blender/packed_begin.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include <zlib.h>
#include <zstd.h>

namespace kiln::blender {
namespace {

constexpr std::size_t inside_size = std::max(blend_header_size, render_info_size);

/// Returns the number of bytes unpacked to `out`.
std::size_t unpack_gzip(std::span<const std::byte> packed, std::span<std::byte> out) {
  z_stream stream{};
  constexpr int with_gzip_header = 16 + MAX_WBITS;
  if (::inflateInit2(&stream, with_gzip_header) != Z_OK)
    return 0;
  // zlib does not write to its input, but its interface is older than const.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::inflate(&stream, Z_SYNC_FLUSH); // later errors are left to Blender
  const auto size = out.size() - stream.avail_out;
  ::inflateEnd(&stream);
  return size;
}

std::size_t unpack_zstd(std::span<const std::byte> packed, std::span<std::byte> out) {
  // With zstd's default window limit (128 MiB), as in Blender: only the unpacked part of the window is
  // touched.
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context{::ZSTD_createDCtx(),
                                                                        &::ZSTD_freeDCtx};
  if (!context)
    return 0;
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  while (to.pos < to.size) {
    const auto before = in.pos + to.pos;
    if (::ZSTD_isError(::ZSTD_decompressStream(context.get(), &to, &in)) || in.pos + to.pos == before)
      break;
  }
  return to.pos;
}

} // namespace

result<blend_facts> look_into(std::span<const std::byte> begin) {
  const auto header = parse_blend_header(begin);
  if (!header)
    return header.error();
  if (header->packed == blend_header::packing::none)
    return blend_facts{*header, parse_render_info(begin), parse_minimum_version(begin)};
  std::vector<std::byte> out(inside_size);
  const bool is_gzip = header->packed == blend_header::packing::gzip;
  const auto unpacked =
      std::span<const std::byte>{out}.first(is_gzip ? unpack_gzip(begin, out) : unpack_zstd(begin, out));
  const auto in_it = parse_blend_header(unpacked);
  if (!in_it || in_it->packed != blend_header::packing::none)
    return error{errc::corrupt, std::string{"there is no .blend in this "} + (is_gzip ? "gzip" : "zstd") +
                                    " data, or it is cut off"};
  return blend_facts{{header->packed, in_it->version, in_it->is_long},
                     parse_render_info(unpacked),
                     parse_minimum_version(unpacked)};
}

} // namespace kiln::blender
