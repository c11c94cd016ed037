// SPDX-License-Identifier: Apache-2.0
#include "store/directory_lock.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <optional>

#include <unistd.h>

namespace kiln::store {
namespace {

TEST(directory_lock, is_for_one_and_goes_with_it) {
  const tests::temp_directory dir;
  {
    const auto first = directory_lock::take(dir / "kilnd.lock", "output");
    ASSERT_TRUE(first);
    const auto second = directory_lock::take(dir / "kilnd.lock", "output");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, errc::conflict);
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos);
    EXPECT_NE(second.error().message.find("--output"), std::string::npos);
  }
  EXPECT_TRUE(directory_lock::take(dir / "kilnd.lock", "output"));
}

TEST(directory_lock, a_check_leaves_it_as_it_is) {
  const tests::temp_directory dir;
  EXPECT_TRUE(directory_lock::check(dir / "kilnd.lock", "state"));
  EXPECT_FALSE(std::filesystem::exists(dir / "kilnd.lock"));
  const auto held = directory_lock::take(dir / "kilnd.lock", "state");
  const auto seen = directory_lock::check(dir / "kilnd.lock", "state");
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().code, errc::conflict);
  EXPECT_TRUE(directory_lock::check(dir / "nowhere" / "kilnd.lock", "state"));
}

TEST(directory_lock, a_link_in_its_place_is_not_followed) {
  const tests::temp_directory dir;
  const auto precious = dir.write("precious", "12345");
  std::filesystem::create_symlink(precious, dir / "kilnd.lock");
  EXPECT_FALSE(directory_lock::take(dir / "kilnd.lock", "output"));
  EXPECT_EQ(dir.read("precious"), "12345");
  EXPECT_FALSE(directory_lock::take(dir / "nowhere/kilnd.lock", "output"));
}

} // namespace
} // namespace kiln::store
