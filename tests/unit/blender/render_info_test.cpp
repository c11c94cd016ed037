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

} // namespace
} // namespace kiln::blender
