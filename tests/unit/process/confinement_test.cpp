// SPDX-License-Identifier: Apache-2.0
// What the walls leave of the file system, and which mechanisms there are.
#include "unit/process/confinement_fixture.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::process {
namespace {

TEST_P(confinement_test, what_a_renderer_needs_is_allowed) {
  dir_.write("work/old", "old");
  for (const auto& [deed, came] : attempt({{"read", in("project/scene")},
                                           {"list", in("project")},
                                           {"read", in("state/blends/sent")},
                                           {"read", "/usr/bin/env"},
                                           {"read", "/proc/self/maps"},
                                           {"read", "/dev/null"},
                                           {"write", "/dev/null"},
                                           {"write", in("work/new")},
                                           {"write", in("project/frames/.kiln/mine/1.png")},
                                           {"write", "relative"},
                                           {"make_directory", in("work/below")},
                                           {"write", in("work/below/new")},
                                           {"rename_here", in("work/old")},
                                           {"remove", in("work/new")},
                                           {"nonblocking", "-"},
                                           {"stream_pair", "-"},
                                           {"packet_pair", "-"},
                                           {"raise", "-"}}))
    EXPECT_EQ(came, "done") << deed;
  EXPECT_TRUE(fs::exists(dir_ / "work/renamed"));
  EXPECT_FALSE(fs::exists(dir_ / "work/new"));
}

TEST_P(confinement_test, what_lies_outside_can_neither_be_read_nor_changed) {
  const open_door local{in("socket")};
  std::vector<std::pair<std::string, std::string>> deeds{{"read", in("secret")},
                                                         {"read", in("state/kiln.db")},
                                                         {"read", in("project/link")},
                                                         {"read", in("project/frames/theirs/1.png")},
                                                         {"list", "/root"},
                                                         {"read", "/etc/hostname"},
                                                         {"write", in("new")},
                                                         {"write", in("project/new")},
                                                         {"write", in("project/scene")},
                                                         {"write", in("project/frames/new")},
                                                         {"write", in("state/kiln.db")},
                                                         {"make_directory", in("below")},
                                                         {"chmod", in("secret")},
                                                         {"chmod", in("project/scene")},
                                                         {"touch", in("project/scene")},
                                                         {"link_here", in("project/scene")},
                                                         {"link_here", in("secret")},
                                                         {"empty", in("project/scene")},
                                                         {"empty", in("secret")},
                                                         {"empty_by_reading", in("project/scene")},
                                                         {"empty_by_nothing", in("project/scene")},
                                                         {"rename_here", in("project/scene")},
                                                         {"remove", in("secret")}};
  if (GetParam() != by_bwrap) // there it is an empty directory
    deeds.emplace_back("list", in("state"));
  if (GetParam() == no_walls)
    std::erase_if(deeds, [](const auto& d) {
      return (d.first == "list" && d.second == "/root") || d.first == "empty_by_nothing" ||
             (d.first == "link_here" && d.second.ends_with("secret")); // the name is taken by then
    });
  for (const auto& [deed, came] : attempt(deeds))
    EXPECT_EQ(came == "done", GetParam() == no_walls) << deed << ": " << came;
  if (GetParam() != no_walls) {
    EXPECT_EQ(dir_.read("project/scene") + dir_.read("secret"), "texttext");
    EXPECT_FALSE(fs::exists(dir_ / "new"));
  }
}

/// Files of /proc that belong to the machine, or to the process. They are opened and not written to. The test
/// proves something as root alone, and of those files that this kernel has.
TEST_P(confinement_test, the_settings_of_the_kernel_are_read_only) {
  std::vector<std::pair<std::string, std::string>> deeds;
  for (const char* file :
       {"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches",
        "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/proc/bus/pci/00/00.0", "/proc/acpi/wakeup",
        "/proc/mtrr", "/proc/self/oom_score_adj", "/proc/self/timerslack_ns"})
    if (::access(file, W_OK) == 0)
      deeds.emplace_back("open_to_write", file);
  for (const auto& [deed, came] : attempt(deeds))
    EXPECT_EQ(came == "done", GetParam() == no_walls) << deed << ": " << came;
}

TEST_P(confinement_test, no_newer_call_changes_a_file_outside) {
  fs::permissions(dir_ / "project/scene", fs::perms::owner_read);
  std::vector<std::pair<std::string, std::string>> deeds;
  for (const char* deed :
       {"chmod_at", "set_attribute_at", "set_file_attributes", "set_flags", "set_flags_as_on_xfs"})
    deeds.emplace_back(deed, in("project/scene"));
  for (const auto& [deed, came] : attempt(deeds)) {
    if (GetParam() == no_walls) { // a file system may have no such attributes, a kernel no such call
      EXPECT_THAT(came, testing::AnyOf("done", "Function not implemented", "Operation not supported",
                                       "Inappropriate ioctl for device"))
          << deed;
    } else {
      EXPECT_NE(came, "done") << deed;
    }
  }
  if (GetParam() != no_walls) {
    EXPECT_EQ(fs::status(dir_ / "project/scene").permissions(), fs::perms::owner_read);
  }
}

/// The first number that the filter does not judge, one that no kernel has yet, and the last of all.
TEST_P(confinement_test, a_lease_on_a_file_outside_stops_no_other_process) {
  fs::permissions(dir_ / "project/scene", fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(attempt({{"lease", in("project/scene")}}).begin()->second,
            GetParam() == no_walls ? "done" : "Operation not permitted");
}

TEST_P(confinement_test, the_log_is_appended_to_alone) {
  std::vector<std::pair<std::string, std::string>> deeds{{"unlock_log", "no append"}, {"unlock_log", "hole"}};
  if (GetParam() != no_walls) // they destroy what this test reads
    deeds.insert(deeds.end(), {{"unlock_log", "flags"}, {"unlock_log", "cut"}});
  for (const auto& [deed, came] : attempt(deeds)) {
    if (GetParam() != no_walls) {
      EXPECT_THAT(came, testing::AnyOf("Operation not permitted", "Operation not supported")) << deed;
    }
  }
}

TEST_P(confinement_test, files_below_a_project_root_can_be_hidden) {
  auto asked = request({"read", in("project/key"), "read", in("linked/key"), "read", in("project/tokens"),
                        "read", in("project/below/tokens"), "read", in("linked/below/tokens"), "read",
                        in("linked/frames/theirs/1.png"), "read", in("elsewhere")});
  auto through_link = around();
  through_link.read.push_back(dir_ / "linked");
  asked.sandbox = confined(through_link).value();
  run([&]() -> aio::task<> {
    const auto c = child::launch(executor(), asked, std::chrono::seconds{5});
    (void)co_await (*c)->wait();
  });
  std::istringstream lines{dir_.read("log")};
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    EXPECT_EQ(line.ends_with(": done"), GetParam() == no_walls) << line;
  EXPECT_EQ(count, 7) << dir_.read("log");
}

/// bwrap can be there and not be allowed to do its work, as in most containers.
bool bwrap_works() {
  const tests::temp_directory directory;
  const auto walls = confine(mechanism::bubblewrap, {.read = {"/usr", "/bin", "/lib", "/lib64"}});
  if (!walls)
    return false;
  const auto pid = spawn({.executable = "/bin/true",
                          .arguments = {},
                          .environment = {},
                          .working_directory = "/",
                          .log_file = directory / "log",
                          .sandbox = *walls});
  int status = -1;
  return pid && ::waitpid(*pid, &status, 0) == *pid && status == 0;
}

/// Each mechanism of this machine; a test of a mechanism that it lacks is listed, and skipped.
std::vector<int> mechanisms() {
  std::vector<int> all{no_walls};
  for (int version = 1; version <= landlock_version(); ++version)
    all.push_back(version);
  if (bwrap_works())
    all.push_back(by_bwrap);
  return all;
}

std::string name_of(const testing::TestParamInfo<int>& info) {
  if (info.param == no_walls)
    return "without_walls";
  return info.param == by_bwrap ? "bubblewrap" : "landlock_" + std::to_string(info.param);
}

INSTANTIATE_TEST_SUITE_P(each, confinement_test, testing::ValuesIn(mechanisms()), name_of);

TEST(confinement, what_this_machine_lacks) {
  std::string lacking;
  if (landlock_version() == 0)
    lacking += " Landlock (all of it)";
  if (!bwrap_works())
    lacking += " bubblewrap";
  if (!lacking.empty())
    GTEST_SKIP() << "not tested, since this machine has no" << lacking;
}

TEST(confinement, off_is_nothing) {
  EXPECT_EQ(confine(mechanism::off, {}).value(), nullptr);
}

TEST(confinement, a_place_to_write_to_must_be_there) {
  if (landlock_version() == 0)
    GTEST_SKIP() << "this kernel has no Landlock";
  const auto refused = confine(mechanism::landlock, {.write = {"/nonexistent/workspace"}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("/nonexistent/workspace"));
}

TEST(confinement, a_kernel_without_landlock_is_told_what_it_needs) {
  const auto refused = confine_by_landlock({}, 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::unsupported);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("Linux 5.13"));
}

} // namespace
} // namespace kiln::process
