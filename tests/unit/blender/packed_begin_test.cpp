// SPDX-License-Identifier: Apache-2.0
#include "blender/packed_begin.hpp"

#include <gtest/gtest.h>

#include <string>

#include <zlib.h>
#include <zstd.h>

namespace kiln::blender {
namespace {

using namespace std::string_literals;
using packing = blend_header::packing;

/// As Blender 3.4 begins a file: the header, the block REND.
const std::string begin = "BLENDER-v304REND\x48\0\0\0abcdefgh\0\0\0\0\1\0\0\0"
                          "\5\0\0\0\xfa\0\0\0Szene\0"s +
                          std::string(58, 'x') +
                          // the preview of 256 x 256 pixels, the largest there is
                          "TEST\x08\0\4\0abcdefgh\0\0\0\0\1\0\0\0"s + std::string(262152, 'p') +
                          "GLOB\x50\4\0\0abcdefgh\0\0\0\0\1\0\0\0   6\6\0\x30\1\3\0"s;

result<blend_facts> look(const std::string& bytes) {
  return look_into(std::as_bytes(std::span{bytes}));
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  ::deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(::deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  return packed;
}

std::string zstd(const std::string& text, int level = 3) {
  std::string packed(::ZSTD_compressBound(text.size()), '\0');
  packed.resize(::ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), level));
  return packed;
}

TEST(packed_begin, says_the_same_of_a_file_however_it_is_packed) {
  const render_info info{.frame_start = 5, .frame_end = 250, .scene = "Szene"};
  EXPECT_EQ(*look(begin), (blend_facts{{packing::none, 304}, info, 304}));
  EXPECT_EQ(*look(gzip(begin)), (blend_facts{{packing::gzip, 304}, info, 304}));
  for (const int level : {1, 3, 19, 22})
    EXPECT_EQ(*look(zstd(begin, level)), (blend_facts{{packing::zstd, 304}, info, 304}));
}

TEST(packed_begin, only_the_beginning_is_needed) {
  std::string noise(1 << 20, '\0');
  std::uint32_t state = 1;
  for (auto& c : noise)
    c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
  for (const auto& packed : {gzip(begin + noise), zstd(begin + noise)}) {
    ASSERT_GT(packed.size(), telling_size);
    EXPECT_EQ(look(packed.substr(0, telling_size))->header.version, 304);
    EXPECT_EQ(look(packed.substr(0, telling_size))->minimum, 304);
  }
}

TEST(packed_begin, refuses_what_holds_no_blend) {
  const std::string large(std::size_t{64} << 20, '\0'); // packed, it is small
  for (const auto& bad :
       {""s, "BLENDER"s, "\x89PNG"s, gzip("hello"), zstd("hello"), gzip(large), zstd(large),
        gzip(gzip(begin)), zstd(gzip(begin)), gzip(begin).substr(0, 12), zstd(begin).substr(0, 6),
        "\x1f\x8b"s, "\x28\xb5\x2f\xfd"s, "\x28\xb5\x2f\xfd"s + std::string(100, '\xff'),
        "\x1f\x8b"s + std::string(100, '\xff')}) {
    const auto found = look(bad);
    ASSERT_FALSE(found) << bad.substr(0, 20);
    EXPECT_EQ(found.error().code, errc::corrupt);
    EXPECT_FALSE(found.error().message.empty());
  }
}

} // namespace
} // namespace kiln::blender
