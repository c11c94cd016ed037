// SPDX-License-Identifier: Apache-2.0
#include "blender/command_line.hpp"

#include <gtest/gtest.h>

namespace kiln::blender {
namespace {

domain::job_spec job(int first, int last) {
  domain::job_spec spec;
  spec.blend = "/p/a b;rm -rf x.blend";
  spec.frames = *domain::frame_set::range(first, last);
  return spec;
}

TEST(command_line, is_the_tutorials_in_blenders_order) {
  EXPECT_EQ(*format_arguments(job(1, 10), "/o/.kiln/j1-1"),
            (std::vector<std::string>{"-b", "-noaudio", "-Y", "/p/a b;rm -rf x.blend", "-o",
                                      "/o/.kiln/j1-1/blender-render_####", "-E", "CYCLES", "-x", "1", "-s",
                                      "1", "-e", "10", "-t", "0", "-a"}));
}

TEST(command_line, a_workspace_that_blender_would_misread_is_refused) {
  for (const char* workspace : {"/o#1/.kiln/j1-1", "/{blend_name}/j1-1", "/a}"}) {
    const auto refused = format_arguments(job(1, 1), workspace);
    ASSERT_FALSE(refused) << workspace;
    EXPECT_NE(refused.error().message.find(workspace), std::string::npos);
  }
}

TEST(command_line, a_relative_blend_could_be_taken_for_an_option) {
  auto spec = job(1, 1);
  spec.blend = "-P";
  EXPECT_FALSE(format_arguments(spec, "/o"));
}

TEST(frame_file_name, names_that_blender_gives) {
  EXPECT_EQ(parse_frame_file_name("blender-render_0001.png"), 1);
  EXPECT_EQ(parse_frame_file_name("blender-render_0000.exr"), 0);
  EXPECT_EQ(parse_frame_file_name("blender-render_9999.jpg"), 9999);
  EXPECT_EQ(parse_frame_file_name("blender-render_10000.png"), 10000);
  EXPECT_EQ(parse_frame_file_name("blender-render_1048574.png"), 1048574);
}

TEST(frame_file_name, other_names_are_no_frames) {
  for (const char* name : {"",
                           "blender-render_",
                           "blender-render_.png",
                           "blender-render_1.png",
                           "blender-render_001.png",
                           "blender-render_00001.png",
                           "blender-render_0001",
                           "blender-render_0001.",
                           "blender-render_0001.PNG",
                           "blender-render_0001.png.part",
                           "blender-render_0001.webm",
                           "blender-render_0001-0010.mkv",
                           "blender-render_0001_L.png",
                           "blender-render_-001.png",
                           "blender-render_+001.png",
                           "blender-render_ 001.png",
                           "blender-render_12345678.png",
                           "blender-render_99999999999999999999.png",
                           "../blender-render_0001.png",
                           "x0001.png",
                           "blender-render_0001.png\n"})
    EXPECT_FALSE(parse_frame_file_name(name)) << name;
}

} // namespace
} // namespace kiln::blender
