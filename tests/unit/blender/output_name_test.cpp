// SPDX-License-Identifier: Apache-2.0
#include "blender/output_name.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

namespace kiln::blender {
namespace {

TEST(output_name, its_parts) {
  const auto found = parse_output_name("File-Output-001--beauty-2_0012_left.eye.png");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->node, "File-Output-001");
  EXPECT_EQ(found->slot, "beauty-2");
  EXPECT_EQ(found->frame, 12);
  EXPECT_EQ(found->view, "_left.eye");
  EXPECT_EQ(found->extension, ".png");
}

TEST(output_name, names_that_the_script_gives) {
  for (const auto& [name, frame, view] : {std::tuple{"A--b_0000.png", 0, ""},
                                          {"A--b_9999.exr", 9999, ""},
                                          {"A--b_10000.jpg", 10000, ""},
                                          {"A--b_1048574.tif", 1048574, ""},
                                          {"0--1_0001.webp", 1, ""},
                                          {"A--b_0001_L.exr", 1, "_L"},
                                          {"A--b_0001R.exr", 1, "R"},
                                          {"A--b_0001_0002.exr", 1, "_0002"},
                                          {"A--b_0001.png.png", 1, ".png"}}) {
    const auto found = parse_output_name(name);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(found->frame, frame) << name;
    EXPECT_EQ(found->view, view) << name;
  }
}

TEST(output_name, other_names_are_refused) {
  const std::string long_word(101, 'a');
  for (const auto& name : {std::string{},
                           std::string{"blender-render_0001.png"},
                           std::string{"A-b_0001.png"},
                           std::string{"A---b_0001.png"},
                           std::string{"A--b--c_0001.png"},
                           std::string{"--b_0001.png"},
                           std::string{"A--_0001.png"},
                           std::string{"-A--b_0001.png"},
                           std::string{"A--b-_0001.png"},
                           std::string{"A.b--c_0001.png"},
                           std::string{".A--b_0001.png"},
                           std::string{"A_b--c_0001.png"},
                           std::string{"A b--c_0001.png"},
                           std::string{"A/b--c_0001.png"},
                           std::string{"../A--b_0001.png"},
                           std::string{"A--../b_0001.png"},
                           std::string{"A--b_0001/../x.png"},
                           std::string{"A--b_0001\\x.png"},
                           std::string{"A--b_0001 L.png"},
                           std::string{"A--b_0001\n.png"},
                           std::string{"A--b_0001\0.png", 14},
                           std::string{"\xc3\x84--b_0001.png"},
                           std::string{"A--b_1.png"},
                           std::string{"A--b_001.png"},
                           std::string{"A--b_00001.png"},
                           std::string{"A--b_12345678.png"},
                           std::string{"A--b_-001.png"},
                           std::string{"A--b_.png"},
                           std::string{"A--b0001.png"},
                           std::string{"A--b_0001"},
                           std::string{"A--b_0001.gif"},
                           std::string{"A--b_0001.PNG"},
                           std::string{"A--b_0001.png.copy"},
                           long_word + "--b_0001.png",
                           "A--" + long_word + "_0001.png",
                           "A--b_0001_" + long_word + ".png"})
    EXPECT_FALSE(parse_output_name(name)) << name;
}

} // namespace
} // namespace kiln::blender
