// SPDX-License-Identifier: Apache-2.0
// What Boost 1.81's own launcher gets wrong (docs/decisions/0002-processes.md), held against ours.
#include "process/launcher.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kiln::process {
namespace {

class launcher_test : public testing::Test {
protected:
  launch_request shell(const std::string& script) const {
    return {.executable = "/bin/sh",
            .arguments = {"-c", script},
            .environment = {"PATH=/usr/bin:/bin"},
            .working_directory = dir_.path(),
            .log_file = dir_ / "log"};
  }

  static int wait_for(pid_t pid) {
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return status;
  }

  std::string output_of(const launch_request& request) {
    const auto pid = spawn(request);
    if (!pid) {
      ADD_FAILURE() << pid.error().message;
      return {};
    }
    wait_for(*pid);
    return dir_.read("log");
  }

  /// No child of ours is left, dead or alive.
  static void expect_no_child() {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }

  tests::temp_directory dir_;
};

TEST_F(launcher_test, standard_input_can_be_given) {
  auto request = shell("cat; readlink /proc/self/fd/0");
  const auto given = dir_.write("input", "given ");
  request.input = ::open(given.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(request.input, 0);
  EXPECT_EQ(output_of(request), "given " + given.native() + "\n");
  EXPECT_EQ(::close(request.input), 0) << "it stays the caller's";
  request.input = 9999;
  EXPECT_EQ(spawn(request).error().code, boost::system::errc::bad_file_descriptor);
}

TEST_F(launcher_test, output_and_errors_go_to_the_log_and_input_is_empty) {
  EXPECT_EQ(output_of(shell("echo out; echo err >&2; cat; pwd; echo $PATH")),
            "out\nerr\n" + dir_.path().native() + "\n/usr/bin:/bin\n");
  EXPECT_EQ(output_of(shell("true")).substr(0, 4), "out\n") << "the log is appended to";
}

TEST_F(launcher_test, arguments_pass_as_they_are_without_a_shell) {
  auto request = shell("");
  request.executable = "/usr/bin/printf";
  request.arguments = {"[%s]", "a b", "$(id)", "; rm -rf x", "'\"`", ""};
  EXPECT_EQ(output_of(request), "[a b][$(id)][; rm -rf x]['\"`][]");
}

TEST_F(launcher_test, no_descriptor_is_inherited_but_0_to_2) {
  std::array<int, 2> leaky{};
  ASSERT_EQ(::pipe(leaky.data()), 0); // without CLOEXEC
  const int high = ::fcntl(leaky[0], F_DUPFD, 200);
  auto request = shell("");
  request.executable = "/bin/ls";
  request.arguments = {"/proc/self/fd"};
  EXPECT_EQ(output_of(request), "0\n1\n2\n3\n") << "3 is the directory that ls reads";
  for (int fd : {leaky[0], leaky[1], high})
    ::close(fd);
}

TEST_F(launcher_test, closed_standard_descriptors_of_the_daemon_do_not_harm_the_child) {
  const int saved = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100);
  ::close(STDIN_FILENO);
  EXPECT_EQ(output_of(shell("cat; echo alive")), "alive\n");
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
}

TEST_F(launcher_test, signals_are_as_a_fresh_program_expects_them) {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t some;
  sigset_t before;
  ::sigemptyset(&some);
  ::sigaddset(&some, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &some, &before);
  auto request = shell("");
  request.executable = "/bin/cat"; // installs no handlers of its own
  request.arguments = {"/proc/self/status"};
  const auto status = output_of(request);
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, &before, &after);
  ::signal(SIGPIPE, SIG_DFL);
  EXPECT_NE(status.find("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n"),
            std::string::npos)
      << status;
  EXPECT_TRUE(::sigismember(&after, SIGTERM)) << "our own mask is as it was";
}

TEST_F(launcher_test, the_child_leads_a_group_of_its_own) {
  const auto pid = spawn(shell("exec sleep 60"));
  ASSERT_TRUE(pid);
  EXPECT_EQ(::getpgid(*pid), *pid);
  EXPECT_EQ(::getsid(*pid), *pid) << "it has no terminal";
  EXPECT_EQ(::kill(-*pid, SIGKILL), 0);
  EXPECT_TRUE(WIFSIGNALED(wait_for(*pid)));
}

TEST_F(launcher_test, a_failed_exec_names_the_path_and_leaves_no_zombie) {
  struct row {
    std::filesystem::path executable;
    boost::system::errc::errc_t code;
  };
  const auto text = dir_.write("not_executable", "text");
  const auto script = dir_.write("bad_interpreter", "#!/nonexistent/interpreter\n");
  const auto junk = dir_.write("junk", "\x7f\x45 junk");
  for (const auto& file : {script, junk})
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  for (const auto& [executable, code] :
       {row{"/nonexistent/blender", boost::system::errc::no_such_file_or_directory},
        row{dir_.path(), boost::system::errc::permission_denied},
        row{text, boost::system::errc::permission_denied},
        row{script, boost::system::errc::no_such_file_or_directory},
        row{junk, boost::system::errc::executable_format_error}}) {
    auto request = shell("");
    request.executable = executable;
    const auto pid = spawn(request);
    ASSERT_FALSE(pid) << executable;
    EXPECT_EQ(pid.error().code, code) << pid.error().message;
    EXPECT_NE(pid.error().message.find(executable.native()), std::string::npos) << pid.error().message;
    expect_no_child();
  }
}

TEST_F(launcher_test, a_missing_directory_or_log_is_named) {
  auto no_directory = shell("true");
  no_directory.working_directory = dir_ / "nowhere";
  EXPECT_NE(spawn(no_directory).error().message.find("nowhere"), std::string::npos);
  auto no_log = shell("true");
  no_log.log_file = dir_ / "no/log";
  EXPECT_NE(spawn(no_log).error().message.find("no/log"), std::string::npos);
  auto link = shell("true");
  std::filesystem::create_symlink(dir_ / "elsewhere", dir_ / "link");
  link.log_file = dir_ / "link";
  EXPECT_FALSE(spawn(link)) << "a log is never written through a link";
  expect_no_child();
}

TEST_F(launcher_test, arguments_that_cannot_be_passed_are_refused) {
  auto huge = shell("true");
  huge.arguments.emplace_back(std::size_t{4} << 20, 'x');
  EXPECT_EQ(spawn(huge).error().code, boost::system::errc::argument_list_too_long);
  auto nul = shell("true");
  nul.arguments.emplace_back("a\0b", 3);
  EXPECT_EQ(spawn(nul).error().code, errc::invalid_input);
  expect_no_child();
}

TEST_F(launcher_test, a_failed_exec_runs_no_exit_handler) {
  static int marker = -1;
  marker = ::open((dir_ / "marker").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  std::atexit([] {
    if (marker >= 0)
      (void)!::write(marker, "x", 1);
  });
  auto request = shell("");
  request.executable = "/nonexistent/blender";
  EXPECT_FALSE(spawn(request));
  EXPECT_EQ(dir_.read("marker"), "");
  ::close(std::exchange(marker, -1));
}

} // namespace
} // namespace kiln::process
