// SPDX-License-Identifier: Apache-2.0
#include "process/search_path.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

namespace kiln::process {
namespace {

namespace fs = std::filesystem;

class search_path_test : public ::testing::Test {
protected:
  fs::path make(const std::string& name, fs::perms mode) {
    fs::create_directories((dir_ / name).parent_path());
    const auto file = dir_.write(name, "#!/bin/sh\n");
    fs::permissions(file, mode);
    return file;
  }

  tests::temp_directory dir_;
};

TEST_F(search_path_test, finds_the_first_that_can_be_executed) {
  make("a/tool", fs::perms::owner_read);
  fs::create_directories(dir_ / "b/tool");
  const auto third = make("c/tool", fs::perms::owner_all);
  make("d/tool", fs::perms::owner_all);
  std::string path;
  for (const auto* directory : {"a", "b", "nowhere", "c", "d"})
    path += (path.empty() ? "" : ":") + (dir_ / directory).native();
  EXPECT_EQ(find_program("tool", path), third);
  EXPECT_EQ(find_program("other", path), std::nullopt);
}

TEST_F(search_path_test, passes_over_what_depends_on_the_working_directory) {
  const auto before = fs::current_path();
  make("tool", fs::perms::owner_all);
  make("bin/tool", fs::perms::owner_all);
  fs::current_path(dir_.path());
  for (const auto* path : {"", ":", "::", ".", "bin", "bin:", ":bin:."})
    EXPECT_EQ(find_program("tool", path), std::nullopt) << path;
  fs::current_path(before);
}

} // namespace
} // namespace kiln::process
