// SPDX-License-Identifier: Apache-2.0
#include "store/state_lock.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <optional>

#include <unistd.h>

namespace kiln::store {
namespace {

TEST(state_lock, is_for_one_and_goes_with_it) {
  const tests::temp_directory dir;
  {
    const auto first = state_lock::take(dir.path());
    ASSERT_TRUE(first);
    const auto second = state_lock::take(dir.path());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, errc::conflict);
    EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos);
  }
  EXPECT_TRUE(state_lock::take(dir.path()));
}

TEST(state_lock, a_link_in_its_place_is_not_followed) {
  const tests::temp_directory dir;
  const auto precious = dir.write("precious", "12345");
  std::filesystem::create_symlink(precious, dir / "kilnd.lock");
  EXPECT_FALSE(state_lock::take(dir.path()));
  EXPECT_EQ(dir.read("precious"), "12345");
  EXPECT_FALSE(state_lock::take(dir / "nowhere"));
}

} // namespace
} // namespace kiln::store
