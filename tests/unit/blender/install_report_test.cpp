// SPDX-License-Identifier: Apache-2.0
#include "blender/install_report.hpp"

#include <gmock/gmock.h>

namespace kiln::blender {
namespace {

TEST(install_report, is_found_among_what_blender_prints) {
  const auto found = find_install_report(
      "Blender 4.3.2\nkiln: [1]\nkiln: {\"devices\": []}\n"
      R"(kiln: {"version": "4.3.2", "binary": "/opt/b/blender", "device": 65024, "inode": 18446744073709551615,)"
      R"( "pid": 7, "group": 0, "directory": "/d", "temp": "/d/tmp", "places": ["/opt/b/4.3", "relative", 7], "x": 1})"
      "\nBlender quit\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->version, "4.3.2");
  EXPECT_EQ(found->binary, "/opt/b/blender");
  EXPECT_EQ(found->device, 65024U);
  EXPECT_EQ(found->inode, 18446744073709551615ULL);
  EXPECT_EQ(found->pid, 7);
  EXPECT_EQ(found->group, 0);
  EXPECT_EQ(found->directory, "/d");
  EXPECT_EQ(found->temp, "/d/tmp");
  EXPECT_THAT(found->places, testing::ElementsAre("/opt/b/4.3"));
}

TEST(install_report, is_nothing_without_a_version_and_a_program) {
  for (const char* printed :
       {"", "kiln: {", "kiln: 7", "kiln: {}", R"(kiln: {"version": "4.3.2"})",
        R"(kiln: {"version": "4.3.2", "binary": "blender"})", R"(kiln: {"version": 4, "binary": "/b"})",
        R"( kiln: {"version": "4.3.2", "binary": "/b"})"})
    EXPECT_FALSE(find_install_report(printed)) << printed;
}

TEST(install_report, numbers_that_are_none_are_zero) {
  const auto found = find_install_report(
      R"(kiln: {"version": "4.3.2", "binary": "/b", "device": "x", "inode": -1, "pid": 1e300, "places": {}})");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->device, 0U);
  EXPECT_EQ(found->inode, 0U);
  EXPECT_EQ(found->pid, 0);
  EXPECT_TRUE(found->places.empty());
}

} // namespace
} // namespace kiln::blender
