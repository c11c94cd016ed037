// SPDX-License-Identifier: Apache-2.0
#include "blender/render_info.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kiln::blender {
namespace {

using namespace std::string_literals;

std::optional<render_info> parse(const std::string& bytes) {
  return parse_render_info(std::as_bytes(std::span{bytes}));
}

const render_info wanted{.frame_start = 1, .frame_end = 100, .scene = "Scene"};
const std::string little = "\1\0\0\0d\0\0\0Scene\0"s + std::string(58, '\0');
const std::string big = "\0\0\0\1\0\0\0dScene\0"s + std::string(58, '\0');

TEST(render_info, is_found_in_each_way_to_write_a_file) {
  EXPECT_EQ(parse("BLENDER-v304REND\x48\0\0\0addressX\0\0\0\0\1\0\0\0"s + little), wanted);
  EXPECT_EQ(parse("BLENDER_v279REND\x48\0\0\0addr\0\0\0\0\1\0\0\0"s + little), wanted);
  EXPECT_EQ(parse("BLENDER_V249REND\0\0\0\x48"
                  "addr\0\0\0\0\0\0\0\1"s +
                  big),
            wanted);
  EXPECT_EQ(parse("BLENDER17-01v0500REND\0\0\0\0addressX\x48\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"s + little),
            wanted);
}

TEST(render_info, negative_frames_and_long_names) {
  const auto head = "BLENDER-v304REND\x48\0\0\0addressX\0\0\0\0\1\0\0\0"s;
  EXPECT_EQ(parse(head + "\xfb\xff\xff\xff\5\0\0\0"s + std::string(64, 'n')),
            (render_info{.frame_start = -5, .frame_end = 5, .scene = std::string(64, 'n')}));
}

TEST(render_info, is_nothing_where_it_is_not_there) {
  const auto head = "BLENDER-v304REND"s;
  const auto rest = "addressX\0\0\0\0\1\0\0\0"s;
  for (const auto& bad : {""s, "BLENDER"s, "BLENDER-v304"s, "BLENDER-v304TEST\x48\0\0\0"s + rest + little,
                          head, head + "\x48\0\0\0"s + rest, head + "\2\0\0\0"s + rest + little,
                          head + "\xff\xff\xff\xff"s + rest + little, head + "\0\0\0\x80"s + rest + little,
                          head + "\x48\0\0\0"s + rest + "\1\0\0\0d\0\0\0bad\nname"s,
                          head + "\x48\0\0\0"s + rest + "\1\0\0\0d\0\0\0\xff\xfe"s,
                          "BLENDER18-02v0600"s + little, "BLENDER?v304REND\x48\0\0\0"s + rest + little})
    EXPECT_FALSE(parse(bad));
}

TEST(render_info, frames_of_a_job_that_names_none) {
  const auto said = [](const render_info& file, std::string_view scene = "") {
    const auto frames = frames_of(file, scene);
    return frames ? domain::format_frame_set(*frames) : frames.error().message;
  };
  EXPECT_EQ(said(wanted), "1-100");
  EXPECT_EQ(said(wanted, "Scene"), "1-100");
  EXPECT_EQ(said({.frame_start = 5, .frame_end = 5, .scene = "S"}), "5");
  EXPECT_NE(said(wanted, "Other").find("active scene \"Scene\""), std::string::npos);
  EXPECT_NE(said({.frame_start = 5, .frame_end = 4, .scene = "S"}).find("5 to 4"), std::string::npos);
  EXPECT_NE(said({.frame_start = -5, .frame_end = 4, .scene = "S"}).find("-5 to 4"), std::string::npos);
  EXPECT_FALSE(frames_of(std::nullopt, ""));
}

std::optional<int> minimum(const std::string& bytes) {
  return parse_minimum_version(std::as_bytes(std::span{bytes}));
}

TEST(minimum_version, is_found_in_each_way_to_write_a_file) {
  const auto rend = "REND\4\0\0\0addressX\0\0\0\0\1\0\0\0....TEST\2\0\0\0addressX\0\0\0\0\1\0\0\0.."s;
  EXPECT_EQ(minimum("BLENDER-v403"s + rend + "GLOB\x50\4\0\0addressX\0\0\0\0\1\0\0\0  34\x22\0\x32\1\x0d\0"s),
            306);
  EXPECT_EQ(minimum("BLENDER_V279GLOB\0\0\4\x50"
                    "addr\0\0\0\0\0\0\0\1   1\0\1\1\x0e\0\0"s),
            270);
  EXPECT_EQ(minimum("BLENDER17-01v0502GLOB\0\0\0\0addressX\xc0\4\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                    "  45\x2d\0\x95\1\x55\0"s),
            405);
}

TEST(minimum_version, is_nothing_where_it_is_not_there) {
  const auto block = [](const std::string& code, const std::string& length, const std::string& data) {
    return code + length + "addressX\0\0\0\0\1\0\0\0"s + data;
  };
  const auto glob = block("GLOB", "\x0a\0\0\0"s, "   6\6\0\x30\1\3\0"s);
  const auto empty = block("TEST", "\0\0\0\0"s, "");
  ASSERT_EQ(minimum("BLENDER-v304" + glob), 304);
  ASSERT_EQ(minimum("BLENDER-v304" + empty + empty + glob), 304);
  std::string far_off;
  for (int i = 0; i < 1000; ++i)
    far_off += empty;
  for (const auto& bad :
       {""s, "BLENDER-v304"s, "BLENDER-v304"s + empty, "BLENDER-v304" + far_off + glob,
        "BLENDER-v304" + glob.substr(0, glob.size() - 3), // cut off in the number
        "BLENDER-v304" + block("TEST", "\xff\xff\xff\xff"s, "") + glob,
        "BLENDER-v304" + block("TEST", "\xff\xff\xff\x7f"s, "") + glob,
        "BLENDER-v304" + block("GLOB", "\4\0\0\0"s, "   6") + glob,
        "BLENDER-v304" + block("GLOB", "\x0a\0\0\0"s, "   6\6\0\xff\xff\3\0"s),
        "BLENDER-v304" + block("GLOB", "\x0a\0\0\0"s, "   6\6\0\0\0\3\0"s),
        "BLENDER17-01v0502TEST\0\0\0\0addressX\xff\xff\xff\xff\xff\xff\xff\xff\1\0\0\0\0\0\0\0"s + glob})
    EXPECT_FALSE(minimum(bad)) << bad.substr(0, 100);
}

} // namespace
} // namespace kiln::blender
