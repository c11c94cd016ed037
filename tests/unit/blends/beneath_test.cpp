// SPDX-License-Identifier: Apache-2.0
#include "blends/beneath.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace kiln::blends {
namespace {

namespace fs = std::filesystem;

/// Both ways of opening hold to the same.
class beneath_test : public testing::TestWithParam<walk> {
protected:
  beneath_test()
      : top_(fs::canonical(dir_.path()) / "root"), outside_(fs::canonical(dir_.path()) / "outside") {
    fs::create_directories(top_ / "a/b");
    fs::create_directories(outside_ / "b");
    dir_.write("root/a/b/file", "inside");
    dir_.write("outside/b/file", "outside");
  }

  [[nodiscard]] result<aio::unique_descriptor> open(const fs::path& path) const {
    return open_beneath(top_, path, GetParam());
  }

  [[nodiscard]] std::string why_not(const fs::path& path) const {
    const auto opened = open(path);
    return opened ? "it was opened" : opened.error().message;
  }

  tests::temp_directory dir_;
  fs::path top_, outside_;
};

TEST_P(beneath_test, opens_a_file_for_reading) {
  const auto file = open(top_ / "a/b/file");
  ASSERT_TRUE(file) << file.error().message;
  std::string text(100, ' ');
  text.resize(static_cast<std::size_t>(::read(file->get(), text.data(), text.size())));
  EXPECT_EQ(text, "inside");
}

TEST_P(beneath_test, no_link_leads_anywhere) {
  fs::create_symlink(outside_ / "b/file", top_ / "a/out");
  fs::create_symlink("b/file", top_ / "a/in");
  fs::create_directory_symlink(outside_, top_ / "c");
  fs::create_directory_symlink("a", top_ / "d");
  fs::create_symlink("/proc/self/root", top_ / "root");
  for (const auto* name : {"a/out", "a/in", "c/b/file", "d/b/file", "root/etc/passwd"})
    EXPECT_NE(why_not(top_ / name).find("link"), std::string::npos) << name << ": " << why_not(top_ / name);
}

TEST_P(beneath_test, no_dots_lead_out) {
  EXPECT_NE(why_not(outside_ / "b/file"), "it was opened");
  EXPECT_NE(why_not(top_ / "../outside/b/file"), "it was opened");
  EXPECT_NE(why_not(top_ / "a/../../outside/b/file"), "it was opened");
  EXPECT_NE(why_not(top_.native() + "-2/file"), "it was opened") << "a name that begins in the same way";
}

TEST_P(beneath_test, only_regular_files) {
  ASSERT_EQ(::mkfifo((top_ / "fifo").c_str(), 0600), 0);
  EXPECT_NE(why_not(top_ / "fifo").find("not a regular file"), std::string::npos);
  EXPECT_NE(why_not(top_ / "a").find("not a regular file"), std::string::npos);
  EXPECT_NE(why_not(top_), "it was opened");
  EXPECT_NE(why_not(top_ / "none").find("No such file"), std::string::npos);
  EXPECT_NE(why_not(top_ / std::string(300, 'x')).find("too long"), std::string::npos);
  EXPECT_NE(why_not(top_ / "a/b/file/more"), "it was opened");
}

INSTANTIATE_TEST_SUITE_P(ways, beneath_test, testing::Values(walk::by_kernel, walk::by_steps),
                         [](const auto& way) {
                           return way.param == walk::by_kernel ? "by_kernel" : "by_steps";
                         });

} // namespace
} // namespace kiln::blends
