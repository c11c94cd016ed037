// SPDX-License-Identifier: Apache-2.0
#include "base/paths.hpp"
#include "base/text.hpp"

#include <gtest/gtest.h>

namespace kiln {
namespace {

TEST(text_test, blanks_go_at_both_ends_only) {
  EXPECT_EQ(trimmed("  a\tb \t"), "a\tb");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed("\r\na\n"), "\r\na\n") << "a line's end is no blank";
  EXPECT_EQ(trimmed("\r\na\n", "\r\n"), "a");
}

TEST(paths_test, a_directory_holds_itself_and_what_lies_in_it) {
  EXPECT_TRUE(is_at_or_below("/a/b", "/a/b"));
  EXPECT_TRUE(is_at_or_below("/a/b/c/d", "/a/b"));
  EXPECT_TRUE(is_at_or_below("/a", "/"));
}

TEST(paths_test, a_longer_name_and_a_parent_are_elsewhere) {
  EXPECT_FALSE(is_at_or_below("/a/bc", "/a/b"));
  EXPECT_FALSE(is_at_or_below("/a", "/a/b"));
  EXPECT_FALSE(is_at_or_below("", "/a"));
  EXPECT_FALSE(is_at_or_below("a/b", "/a"));
}

} // namespace
} // namespace kiln
