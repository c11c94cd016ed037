// SPDX-License-Identifier: Apache-2.0
#include "process/control_group.hpp"

#include <gtest/gtest.h>

namespace kiln::process {
namespace {

TEST(control_group, the_group_of_version_2_is_found_among_others) {
  EXPECT_EQ(parse_group("0::/system.slice/kilnd.service\n"), "/system.slice/kilnd.service");
  EXPECT_EQ(parse_group("9:pids:/a\n1:name=systemd:/b\n0::/c d\n"), "/c d");
  EXPECT_EQ(parse_group("0::/"), "/");
  EXPECT_EQ(parse_group("9:pids:/a\n"), "");
  EXPECT_EQ(parse_group(""), "");
}

TEST(control_group, its_directory_is_below_the_mount_that_shows_it) {
  const auto* one = "25 1 0:24 / /proc rw - proc proc rw\n"
                    "31 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
  EXPECT_EQ(find_group_directory("/a.slice/b", one), "/sys/fs/cgroup/a.slice/b");
  EXPECT_EQ(find_group_directory("/", one), "/sys/fs/cgroup");
  const auto* part = "31 24 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup ro\n";
  EXPECT_EQ(find_group_directory("/docker/1", part), "/sys/fs/cgroup");
  EXPECT_EQ(find_group_directory("/docker/1/x", part), "/sys/fs/cgroup/x");
  EXPECT_EQ(find_group_directory("/docker/12", part), std::nullopt) << "another's";
  EXPECT_EQ(find_group_directory("/a", "25 1 0:24 / /c rw - cgroup cgroup rw,pids\n"), std::nullopt);
}

TEST(control_group, counts_are_found_by_name) {
  const auto* text = "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 3\n";
  EXPECT_EQ(parse_count(text, "oom_kill"), 2U);
  EXPECT_EQ(parse_count(text, "max"), 7U);
  EXPECT_EQ(parse_count(text, "none"), 0U);
  EXPECT_EQ(parse_count("", "max"), 0U);
}

} // namespace
} // namespace kiln::process
