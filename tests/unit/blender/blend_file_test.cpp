// SPDX-License-Identifier: Apache-2.0
#include "blender/blend_file.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace kiln::blender {
namespace {

using namespace std::string_literals;
using packing = blend_header::packing;

result<blend_header> parse(std::string_view text) {
  return parse_blend_header(std::as_bytes(std::span{text}));
}

TEST(blend_file, the_header_up_to_4_x) {
  EXPECT_EQ(*parse("BLENDER-v304REND"), (blend_header{packing::none, 304}));
  EXPECT_EQ(*parse("BLENDER_v249REND"), (blend_header{packing::none, 249}));
  EXPECT_EQ(*parse("BLENDER_V279REND"), (blend_header{packing::none, 279}));
  EXPECT_EQ(*parse("BLENDER-V405"), (blend_header{packing::none, 405}));
}

TEST(blend_file, the_header_from_5_0_on) {
  EXPECT_EQ(*parse("BLENDER17-01v0500REND"), (blend_header{packing::none, 500, true}));
  EXPECT_EQ(*parse("BLENDER17-01v0501"), (blend_header{packing::none, 501, true}));
}

TEST(blend_file, a_header_of_a_blender_to_come_is_left_to_that_blender) {
  EXPECT_EQ(*parse("BLENDER17-02v0700"), (blend_header{packing::none, {}, true}));
  EXPECT_EQ(*parse("BLENDER21-02v00700----"), (blend_header{packing::none, {}, true}));
}

TEST(blend_file, packed_files_are_taken_unseen) {
  EXPECT_EQ(*parse("\x1f\x8b\x08\x00\x00"), (blend_header{packing::gzip, {}}));
  EXPECT_EQ(*parse("\x28\xb5\x2f\xfd\x00"s), (blend_header{packing::zstd, {}}));
}

TEST(blend_file, every_cut_of_a_header_is_refused) {
  for (const std::string_view whole :
       {"BLENDER-v304", "BLENDER17-01v0500", "BLENDER21-02v0700", "\x28\xb5\x2f\xfd"}) {
    ASSERT_TRUE(parse(whole)) << whole;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto header = parse(whole.substr(0, size));
      ASSERT_FALSE(header) << whole.substr(0, size);
      EXPECT_EQ(header.error().code, errc::corrupt);
    }
  }
  EXPECT_NE(parse("").error().message.find("empty"), std::string::npos);
}

TEST(blend_file, what_is_no_blend_is_refused) {
  for (const std::string_view text :
       {"#!/bin/sh\nrm -rf x\n", "blender-v304----", "BLENDER+v304----", "BLENDER-x304----",
        "BLENDER-v3 4----", "BLENDER-v-04----", "BLENDER1x-01v0500", "BLENDER17-01x0500", "BLENDER17-01v05.0",
        "\x89PNG\r\n\x1a\n------", " BLENDER-v304"})
    EXPECT_EQ(parse(text).error().code, errc::corrupt) << text;
  EXPECT_FALSE(parse(std::string(64, '\0')));
}

} // namespace
} // namespace kiln::blender
