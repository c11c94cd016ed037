// SPDX-License-Identifier: Apache-2.0
#include "blender/version.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace kiln::blender {
namespace {

TEST(version, numbers_of_what_blenders_print) {
  const std::vector<std::pair<const char*, version>> expected{
      {"Blender 2.83.5", {2, 83, 5}},
      {"Blender 3.4.1", {3, 4, 1}},
      {"Blender 4.3.2", {4, 3, 2}},
      {"Blender 5.2.2 LTS", {5, 2, 2}},
      {"4.2.1 LTS", {4, 2, 1}},
      {"Blender 5.3.0 Beta", {5, 3, 0}},
      {"Blender 5.0.0 Alpha", {5, 0, 0}},
      {"Blender 4.1.0 Release Candidate", {4, 1, 0}},
      {"Blender 2.79 (sub 7)", {2, 79, 7}},
      {"Blender 2.83.5 (sub 0)", {2, 83, 5}},
      {"Blender 2.90", {2, 90, 0}},
      {"Blender 10.11.12", {10, 11, 12}},
  };
  for (const auto& [text, numbers] : expected) {
    const auto found = parse_version(text);
    ASSERT_TRUE(found) << text;
    EXPECT_EQ(*found, numbers) << text;
  }
}

TEST(version, other_texts_have_none) {
  for (const char* text :
       {"", "Blender", "Blender ", "Blender four", "Blender 4", "Blender 4.", "Blender .3", "Blender -4.3",
        "Blender 4.-3", "Blender 4.3.", "Blender 4.3.x", "Blender 4.3-beta", "Blender 4.3.2rc1",
        "Blender 99999.1", "Blender 4.99999999999999999999", "Blender  4.3", "blender 4.3", "Blender 4,3",
        "Blender quit"})
    EXPECT_FALSE(parse_version(text)) << text;
}

TEST(version, is_compared_by_number) {
  EXPECT_LT((version{2, 83, 20}), (version{2, 90, 0}));
  EXPECT_LT((version{4, 3, 2}), (version{4, 3, 10}));
  EXPECT_LT((version{4, 5, 9}), (version{10, 0, 0}));
}

TEST(version, is_found_below_other_lines) {
  const std::vector<std::pair<std::string, std::string>> expected{
      {"Blender 4.3.2\n\tbuild date: 2024-12-17\n", "Blender 4.3.2"},
      {"Blender 4.3.2", "Blender 4.3.2"},
      {"Warning: no such locale\nALSA lib confmisc.c:767:(parse_card) cannot find card '0'\n\nBlender 4.2.1 "
       "LTS\n",
       "Blender 4.2.1 LTS"},
      {"could not get a list of mounted file-systems\r\nBlender 3.4.1\r\n", "Blender 3.4.1"},
      {"  Blender 2.83.5 \n", "Blender 2.83.5"},
      {"00:00.149  blender          | Blender 5.2.2 LTS\n", "Blender 5.2.2 LTS"},
      {"Blender needs OpenGL 4.3\nBlender 5.3.0 Beta\nBlender 1.0\n", "Blender 5.3.0 Beta"},
  };
  for (const auto& [printed, line] : expected)
    EXPECT_EQ(find_version(printed), line) << printed;
}

TEST(version, is_not_found_where_there_is_none) {
  const std::vector<std::string> none{
      "",
      "\n\n",
      "GNU bash, version 5.2.15\n",
      "Blender quit\n",
      "the Blender 4.3.2 of this machine\n",
      "Blender 4.3.2 \x1b[31m\n",
      "Blender 4.3 " + std::string(200, 'x'),
      std::string("Blender 4.3.2\0", 14),
  };
  for (const auto& printed : none)
    EXPECT_FALSE(find_version(printed)) << printed;
}

} // namespace
} // namespace kiln::blender
