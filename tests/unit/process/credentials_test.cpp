// SPDX-License-Identifier: Apache-2.0
#include "process/credentials.hpp"
#include "process/launcher.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kiln::process {
namespace {

namespace fs = std::filesystem;
using list = std::vector<std::string>;

TEST(find_credentials, takes_names_and_numbers) {
  const auto root = find_credentials("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->user, 0U);
  EXPECT_EQ(root->name, "root");
  EXPECT_EQ(find_credentials("0")->name, "root");
  const auto both = find_credentials("4123456:7");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->user, 4123456U);
  EXPECT_EQ(both->group, 7U);
  EXPECT_TRUE(both->groups.empty());
  EXPECT_EQ(both->name, "4123456");
  for (const char* wrong : {"", "no such user", "4123456", "root:0", "1:", ":1", "1:x", "-1:1",
                            "4294967295:1", "1:4294967295", "1:2:3"})
    EXPECT_EQ(find_credentials(wrong).error().code, errc::invalid_input) << wrong;
}

TEST(environment_of, is_that_of_the_user) {
  const credentials user{.user = 5, .group = 5, .groups = {}, .name = "artist", .home = "/home/artist"};
  EXPECT_EQ(
      environment_of(user, {"HOME=/root", "PATH=/bin", "USER=root", "XDG_RUNTIME_DIR=/run/user/0", "A=b"}),
      (list{"PATH=/bin", "A=b", "HOME=/home/artist", "USER=artist", "LOGNAME=artist"}));
}

class another_user : public testing::Test {
protected:
  another_user() {
    if (::geteuid() != 0)
      return;
    fs::permissions(dir_.path(), fs::perms{0755});
  }
  void SetUp() override {
    if (::geteuid() != 0)
      GTEST_SKIP() << "only root can start processes of another user";
  }

  static struct stat facts_of(const fs::path& path) {
    struct stat facts {};
    EXPECT_EQ(::lstat(path.c_str(), &facts), 0) << path;
    return facts;
  }

  [[nodiscard]] launch_request shell(const std::string& script) const {
    return {.executable = "/bin/sh",
            .arguments = {"-c", script},
            .environment = {"PATH=/usr/bin:/bin"},
            .working_directory = dir_.path(),
            .log_file = dir_ / "log",
            .run_as = user_};
  }

  tests::temp_directory dir_;
  const credentials_ptr user_ = std::make_shared<const credentials>(
      credentials{.user = 54321, .group = 54322, .groups = {54323, 54324}, .name = "artist", .home = "/"});
};

TEST_F(another_user, is_that_of_the_process_without_capabilities) {
  const auto pid = spawn(shell("id -u; id -g; id -G; grep -E '^Cap(Prm|Eff|Inh)' /proc/self/status"));
  ASSERT_TRUE(pid) << pid.error().message;
  int status = 0;
  ASSERT_EQ(::waitpid(*pid, &status, 0), *pid);
  EXPECT_EQ(dir_.read("log"), "54321\n54322\n54322 54323 54324\nCapInh:\t0000000000000000\n"
                              "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n");
  EXPECT_EQ(::geteuid(), 0U);
  EXPECT_EQ(facts_of(dir_ / "log").st_uid, 0U) << "the log is kilnd's";
}

TEST_F(another_user, is_named_by_an_error) {
  auto request = shell("true");
  fs::create_directory(dir_ / "closed");
  fs::permissions(dir_ / "closed", fs::perms{0700});
  request.working_directory = dir_ / "closed";
  EXPECT_NE(
      spawn(request).error().message.find("enter " + (dir_ / "closed").native() + " as the user artist"),
      std::string::npos);
  request.working_directory = dir_.path();
  request.executable = dir_.write("program", "#!/bin/sh\n");
  fs::permissions(request.executable, fs::perms{0700});
  EXPECT_NE(spawn(request).error().message.find("program as the user artist"), std::string::npos);
}

TEST_F(another_user, leads_the_log_to_no_other_file) {
  dir_.write("mine", "");
  fs::create_hard_link(dir_ / "mine", dir_ / "log");
  EXPECT_FALSE(spawn(shell("echo forged")));
  fs::remove(dir_ / "log");
  ASSERT_EQ(::mkfifo((dir_ / "log").c_str(), 0666), 0);
  EXPECT_FALSE(spawn(shell("true"))) << "without being held up";
  EXPECT_EQ(dir_.read("mine"), "");
}

TEST_F(another_user, opens_files_in_a_scope_of_one_thread) {
  const auto file = dir_.write("secret", "x");
  fs::permissions(file, fs::perms{0600});
  const auto can_read = [&file] { return ::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) == 0; };
  {
    const acting_as them{user_.get()};
    EXPECT_FALSE(can_read());
    EXPECT_FALSE(std::ifstream{file}.is_open());
    ASSERT_EQ(::chown(file.c_str(), static_cast<uid_t>(-1), 54324), -1) << "no capability to do that";
  }
  EXPECT_TRUE(can_read());
  ASSERT_EQ(::chown(file.c_str(), static_cast<uid_t>(-1), 54324), 0);
  fs::permissions(file, fs::perms{0640});
  const acting_as them{user_.get()};
  EXPECT_TRUE(can_read()) << "by a supplementary group";
}

TEST_F(another_user, is_given_a_directory_with_its_entries) {
  const auto directory = dir_ / "work";
  fs::create_directories(directory / "tmp");
  dir_.write("work/script", "x");
  ASSERT_TRUE(give_directory(directory, user_.get()));
  for (const auto& path : {directory, directory / "tmp", directory / "script"})
    EXPECT_EQ(facts_of(path).st_uid, 54321U) << path;
  EXPECT_EQ(facts_of(directory).st_mode & 07777U, 0700U);
  EXPECT_TRUE(give_directory(directory, user_.get())) << "again";
}

TEST_F(another_user, is_given_nothing_that_a_link_or_a_third_user_holds) {
  fs::create_directory(dir_ / "real");
  fs::create_directory_symlink(dir_ / "real", dir_ / "link");
  EXPECT_FALSE(give_directory(dir_ / "link", user_.get()));
  EXPECT_EQ(facts_of(dir_ / "real").st_uid, 0U);
  ASSERT_EQ(::chown((dir_ / "real").c_str(), 99, 99), 0);
  EXPECT_FALSE(give_directory(dir_ / "real", user_.get()));
  EXPECT_EQ(facts_of(dir_ / "real").st_uid, 99U);
  dir_.write("outside", "x");
  fs::create_directory(dir_ / "work");
  fs::create_symlink(dir_ / "outside", dir_ / "work/link");
  ASSERT_TRUE(give_directory(dir_ / "work", user_.get()));
  EXPECT_EQ(facts_of(dir_ / "outside").st_uid, 0U);
}

} // namespace
} // namespace kiln::process
