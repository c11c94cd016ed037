// SPDX-License-Identifier: Apache-2.0
#include "client/download.hpp"
#include "client/exit_status.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

TEST(download, names_stay_in_the_directory) {
  const auto named = [](const char* disposition, const char* name = "") {
    answer head{.status = 200, .fields = {{"content-disposition", disposition}}};
    const auto got = file_name_of({.frame = 1, .name = name, .path = {}}, head);
    return got ? *got : std::string{"refused"};
  };
  EXPECT_EQ(named("inline; filename=\"blender-render_0001.png\""), "blender-render_0001.png");
  EXPECT_EQ(named("inline; filename=\"x\"", "Out--image_0001.png"), "Out--image_0001.png");
  for (const char* bad :
       {"inline; filename=\"../x\"", "inline; filename=\"/x\"", "inline; filename=\".kiln.json\"",
        "inline; filename=\"\"", "inline", "", "inline; filename=\"a.part\""})
    EXPECT_EQ(named(bad), "refused") << bad;
  EXPECT_EQ(file_name_of({.frame = 1, .name = {}, .path = {}}, {}).has_value(), false);
}

TEST(download, a_directory_is_of_one_kiln) {
  const tests::temp_directory here;
  const auto nothing = [](const std::filesystem::path&) {};
  {
    const auto first = download::into(here.path() / "a/b", nothing);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->record(), here.path() / "a/b/.kiln.json");
    const auto second = download::into(here.path() / "a/b", nothing);
    ASSERT_FALSE(second);
    EXPECT_EQ(status_of(second.error()), exit_status::usage);
  }
  EXPECT_TRUE(download::into(here.path() / "a/b", nothing));
  EXPECT_FALSE(download::into("/proc/1/nowhere", nothing));
}

} // namespace
} // namespace kiln::client
