// SPDX-License-Identifier: Apache-2.0
#include "output/log_copy.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include <sys/stat.h>

namespace kiln::output {
namespace {

class log_copy_test : public testing::Test {
protected:
  /// As Blender does.
  void print(const std::string& text) { std::ofstream{from_, std::ios::app} << text; }
  [[nodiscard]] std::string copied() const { return dir_.read("copy"); }

  tests::temp_directory dir_;
  std::filesystem::path from_ = dir_.write("printed", ""), to_ = dir_ / "copy";
  log_limits small_{.size = 1 << 20, .small = 1 << 18};
};

TEST_F(log_copy_test, is_the_same_up_to_its_limit) {
  auto copy = log_copy::open(from_, to_, {});
  ASSERT_TRUE(copy);
  copy->add("one\n");
  copy->add("two\n");
  EXPECT_EQ(copied(), "one\ntwo\n");
}

TEST_F(log_copy_test, of_a_flood_the_beginning_and_the_end_are_kept_and_its_blocks_given_back) {
  auto copy = log_copy::open(from_, to_, small_);
  ASSERT_TRUE(copy);
  const auto piece = std::string((1 << 16) - 1, 'x') + '\n';
  print("first\n");
  copy->add("first\n");
  for (int i = 0; i < 200; ++i) {
    print(piece);
    copy->add(piece);
    ASSERT_LE(std::filesystem::file_size(to_), small_.size);
  }
  print("last\n");
  copy->add("last\n");
  const auto text = copied();
  EXPECT_TRUE(text.starts_with("first\nxxx") && text.ends_with("xxx\nlast\n"));
  EXPECT_NE(text.find("a part of it is left out"), std::string::npos);
  EXPECT_GE(text.size(), small_.size / 2);
  struct stat facts {};
  ASSERT_EQ(::stat(from_.c_str(), &facts), 0);
  EXPECT_LT(facts.st_blocks * 512, 3 << 20) << "of 13 MB that Blender has printed";
}

TEST_F(log_copy_test, goes_on_where_an_earlier_life_has_ended) {
  print("one\ntwo\n");
  {
    auto copy = log_copy::open(from_, to_, {});
    ASSERT_TRUE(copy);
    copy->add("one\n");
  }
  auto copy = log_copy::open(from_, to_, {});
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->position(), 0U);
  copy->add("one\ntwo\n");
  print("three\n");
  copy->add("three\n");
  EXPECT_EQ(copied(), "one\ntwo\nthree\n");
}

TEST_F(log_copy_test, what_stands_there_and_is_no_beginning_of_it_is_replaced) {
  print("one\n");
  dir_.write("copy", "two\n");
  copy_rest_of_log(from_, to_, {});
  EXPECT_EQ(copied(), "one\n");
}

TEST_F(log_copy_test, what_was_left_behind_of_a_flood_is_copied_from_where_it_is_still_there) {
  const auto piece = std::string((1 << 16) - 1, 'x') + '\n';
  {
    auto copy = log_copy::open(from_, to_, small_);
    ASSERT_TRUE(copy);
    print("first\n");
    copy->add("first\n");
    for (int i = 0; i < 100; ++i) {
      print(piece);
      copy->add(piece);
    }
  }
  print("last\n");
  copy_rest_of_log(from_, to_, small_);
  const auto text = copied();
  EXPECT_TRUE(text.starts_with("first\n") && text.ends_with("last\n"));
  EXPECT_EQ(text.find('\0'), std::string::npos);
  EXPECT_LE(text.size(), small_.size);
}

TEST_F(log_copy_test, links_are_not_followed) {
  const auto outside = dir_.write("outside", "precious");
  std::filesystem::create_symlink(outside, to_);
  EXPECT_FALSE(log_copy::open(from_, to_, {}));
  std::filesystem::remove(to_);
  std::filesystem::create_symlink(outside, dir_ / "link");
  EXPECT_FALSE(log_copy::open(dir_ / "link", to_, {}));
  EXPECT_EQ(dir_.read("outside"), "precious");
}

} // namespace
} // namespace kiln::output
