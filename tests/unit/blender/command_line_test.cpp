// SPDX-License-Identifier: Apache-2.0
#include "blender/command_line.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace kiln::blender {
namespace {

domain::job_spec job(int first, int last) {
  domain::job_spec spec;
  spec.blend = "/p/a b;rm -rf x.blend";
  spec.frames = *domain::frame_set::range(first, last);
  return spec;
}

using words = std::vector<std::string>;

result<words> arguments(const domain::job_spec& spec, const char* workspace = "/o/.kiln/j1-1") {
  return format_arguments(spec, spec.frames.progressions(), workspace,
                          std::filesystem::path{workspace} / "kiln_setup.py");
}

TEST(command_line, is_the_tutorials_in_blenders_order) {
  auto spec = job(1, 10);
  spec.settings.engine = "CYCLES";
  EXPECT_EQ(*arguments(spec), (words{"-b",
                                     "-noaudio",
                                     "-Y",
                                     "/p/a b;rm -rf x.blend",
                                     "--python-exit-code",
                                     "97",
                                     "-P",
                                     "/o/.kiln/j1-1/kiln_setup.py",
                                     "-o",
                                     "/o/.kiln/j1-1/blender-render_####",
                                     "-x",
                                     "1",
                                     "-t",
                                     "0",
                                     "-j",
                                     "1",
                                     "-s",
                                     "1",
                                     "-e",
                                     "10",
                                     "-a",
                                     "--",
                                     R"({"engine":"CYCLES","frames":[[1,10,1]]})"}));
}

TEST(command_line, scripts_run_only_if_the_job_says_so_and_that_stands_before_the_file) {
  auto spec = job(1, 10);
  spec.autorun = true;
  auto all = *arguments(spec);
  EXPECT_EQ(words(all.begin(), all.begin() + 4), (words{"-b", "-noaudio", "-y", spec.blend.native()}));
  all[2] = "-Y";
  spec.autorun = false;
  EXPECT_EQ(all, *arguments(spec)) << "and nothing else is changed by it";
}

TEST(command_line, each_range_has_its_own_a) {
  auto spec = job(1, 1);
  spec.frames = *domain::frame_set::parse("1-3,10-20x5,99");
  const auto all = *arguments(spec);
  EXPECT_EQ(words(all.end() - 23, all.end() - 2),
            (words{"-j", "1",  "-s", "1",  "-e", "3",  "-a", "-j", "5",  "-s", "10",
                   "-e", "20", "-a", "-j", "1",  "-s", "99", "-e", "99", "-a"}));
}

TEST(command_line, the_scripts_are_given_the_frames_of_the_job) {
  auto spec = job(1, 1);
  spec.frames = *domain::frame_set::parse("1-9x2,20");
  spec.strict = true;
  EXPECT_EQ(arguments(spec)->back(), R"({"frames":[[1,9,2],[20,20,1]],"strict":true})");
  std::vector<int> many;
  for (int i = 1; i < 500; ++i)
    many.push_back(i * i);
  spec.frames = domain::frame_set::of(many);
  EXPECT_EQ(arguments(spec)->back(), R"({"frames":[[1,249001,1]],"strict":true})");
}

TEST(command_line, the_scene_is_chosen_before_its_settings) {
  auto spec = job(1, 1);
  spec.settings.scene =
      "-a --python-expr x"; // a name is never an option: it stands where a value is expected
  spec.settings.samples = 4;
  const auto all = *arguments(spec);
  const auto scene = std::ranges::find(all, "-S");
  ASSERT_LT(scene, std::ranges::find(all, "-o"));
  EXPECT_EQ(*(scene + 1), spec.settings.scene);
  EXPECT_EQ(all.back(), R"({"scene":"-a --python-expr x","samples":4,"frames":[[1,1,1]]})");
}

TEST(command_line, a_workspace_that_blender_would_misread_is_refused) {
  for (const char* workspace : {"/o#1/.kiln/j1-1", "/{blend_name}/j1-1", "/a}"}) {
    const auto refused = arguments(job(1, 1), workspace);
    ASSERT_FALSE(refused) << workspace;
    EXPECT_NE(refused.error().message.find(workspace), std::string::npos);
  }
}

TEST(command_line, a_relative_blend_could_be_taken_for_an_option) {
  auto spec = job(1, 1);
  spec.blend = "-P";
  EXPECT_FALSE(arguments(spec));
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
