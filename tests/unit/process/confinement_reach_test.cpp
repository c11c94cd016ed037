// SPDX-License-Identifier: Apache-2.0
// What the walls leave of everything that is no file: processes, terminals, sockets, system calls; and how
// what is behind them ends.
#include "unit/process/confinement_fixture.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

namespace kiln::process {
namespace {

/// A terminal that is the controlling one of a process, as a shell's is.
class terminal {
public:
  terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)), slave_(open_other_end(master_.get())) {
    termios mode{};
    EXPECT_EQ(::tcgetattr(slave_.get(), &mode), 0);
    ::cfmakeraw(&mode); // so that each byte counts at once
    EXPECT_EQ(::tcsetattr(slave_.get(), TCSANOW, &mode), 0);
  }

  /// Starts the program in a process that has this controlling terminal, and waits for its end. The status is
  /// that of waitpid, or -1.
  int run(const launch_request& asked) const {
    const pid_t shell = ::fork();
    if (shell == 0) {
      int status = -1;
      if (::setsid() >= 0 && ::ioctl(slave_.get(), TIOCSCTTY, 0) == 0)
        if (const auto pid = spawn(asked))
          ::waitpid(*pid, &status, 0);
      ::_exit(status == 0 ? 0 : 1);
    }
    int status = -1;
    ::waitpid(shell, &status, 0);
    return status;
  }

  [[nodiscard]] int typed_bytes() const {
    int count = -1;
    EXPECT_EQ(::ioctl(slave_.get(), FIONREAD, &count), 0);
    return count;
  }

private:
  static int open_other_end(int master) {
    std::array<char, 64> name{};
    EXPECT_EQ(::grantpt(master), 0);
    EXPECT_EQ(::unlockpt(master), 0);
    EXPECT_EQ(::ptsname_r(master, name.data(), name.size()), 0);
    return ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  }

  aio::unique_descriptor master_;
  aio::unique_descriptor slave_;
};

TEST_P(confinement_test, nothing_is_typed_into_the_terminal_that_kilnd_was_started_from) {
  const terminal here;
  EXPECT_EQ(here.run(request({"type_into", "/dev/tty", "take_terminal", "/dev/tty"})), 0);
  const auto log = dir_.read("log");
  EXPECT_EQ(here.typed_bytes(), 0) << log;
  EXPECT_THAT(log, testing::Not(testing::HasSubstr("done"))) << "also without a sandbox: it has no terminal";
}

/// On a descriptor that is no terminal, the kernel alone gives ENOTTY.
TEST_P(confinement_test, terminals_are_not_controlled) {
  for (const auto& [deed, came] : attempt({{"type", "/dev/null"},
                                           {"console", "/dev/null"},
                                           {"take_terminal", "/dev/null"},
                                           {"line_discipline", "/dev/null"}}))
    EXPECT_EQ(came, GetParam() == no_walls ? "Inappropriate ioctl for device" : "Operation not permitted")
        << deed;
  EXPECT_EQ(attempt({{"is_terminal", "/dev/null"}}).begin()->second, "Inappropriate ioctl for device");
}

/// Modes and attributes by each way that this kernel and this file system have.
TEST_P(confinement_test, system_calls_that_the_filter_does_not_judge_do_not_exist) {
  if (GetParam() == no_walls)
    return; // the kernel has what it has
  for (const auto& [deed, came] :
       attempt({{"call", "451"}, {"call", "452"}, {"call", "463"}, {"call", "700"}, {"call", "1073741823"}}))
    EXPECT_EQ(came, "Function not implemented") << deed;
}

TEST_P(confinement_test, a_pair_of_sockets_reaches_no_third_one) {
  aio::unique_descriptor service{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  const auto path = in("work/service"); // where even bubblewrap shows it
  std::memcpy(at.sun_path, path.c_str(), path.size());
  ASSERT_EQ(::bind(service.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  for (const auto& [deed, came] : attempt({{"datagram_pair", path}, {"raw_pair", path}}))
    EXPECT_EQ(came, GetParam() == no_walls ? "done" : "Permission denied") << deed;
}

/// Hidden by their names, by links to them, and below a root that is itself named by a link.
TEST_P(confinement_test, there_are_no_sockets) {
  const open_door tcp{SOCK_STREAM};
  const open_door udp{SOCK_DGRAM};
  const open_door local{in("socket")};
  const open_door abstract{"@kiln-test-" + std::to_string(::getpid())};
  for (const auto& [deed, came] : attempt(
           {{"tcp", tcp.name()}, {"udp", udp.name()}, {"local", local.name()}, {"local", abstract.name()}}))
    EXPECT_EQ(came, GetParam() == no_walls ? "done" : "Permission denied") << deed;
}

TEST_P(confinement_test, other_processes_are_out_of_reach) {
  for (const auto& [deed, came] : attempt({{"see", victim()},
                                           {"signal", victim()},
                                           {"limit", victim()},
                                           {"slow_down", victim()},
                                           {"shared_memory", "-"},
                                           {"setsid", "-"}}))
    EXPECT_EQ(came == "done", GetParam() == no_walls) << deed << ": " << came;
  const auto by_file = attempt({{"signal_by_file", victim()}}).begin()->second;
  if (GetParam() == no_walls) {
    EXPECT_EQ(by_file, "done");
    while (victim_lives()) {
    }
    victim_ = 0; // it may be reaped by now, as a stranger
    return;      // the kernel's settings may forbid the others anyway
  }
  for (const auto& [what, came] : attempt({{"ptrace", victim()}, {"new_user", "-"}, {"ring", "-"}}))
    EXPECT_NE(came, "done") << what;
  EXPECT_EQ(end_by(SIGTERM), SIGTERM) << "SIGKILL had reached it before";
}

TEST_P(confinement_test, a_display_is_a_local_socket) {
  if (GetParam() == no_walls)
    return; // there are no walls
  const open_door tcp{SOCK_STREAM};
  fs::create_directories(dir_ / "x");
  const open_door local{in("x/X0")};
  auto with_display = around();
  with_display.talk = sockets::local;
  with_display.read.push_back(dir_ / "x");
  auto asked = request({"local", local.name(), "tcp", tcp.name()});
  asked.sandbox = confined(with_display).value();
  run([&]() -> aio::task<> {
    const auto c = child::launch(executor(), asked, std::chrono::seconds{5});
    (void)co_await (*c)->wait();
  });
  EXPECT_EQ(dir_.read("log"),
            "local " + local.name() + ": done\ntcp " + tcp.name() + ": Permission denied\n");
}

TEST_P(confinement_test, the_end_is_told_as_it_was) {
  struct row {
    const char* deed;
    const char* what;
    domain::process_exit end;
  };
  using how = domain::process_exit::how;
  for (const auto& [deed, what, end] :
       {row{"exit", "0", {how::exited, 0}}, row{"exit", "97", {how::exited, 97}},
        row{"die", "11", {how::signaled, SIGSEGV}}, row{"die", "9", {how::signaled, SIGKILL}},
        row{"die", "15", {how::signaled, SIGTERM}}}) {
    const auto asked = request({deed, what});
    run([&, e = end]() -> aio::task<> {
      const auto c = child::launch(executor(), asked, std::chrono::seconds{5});
      const auto seen = co_await (*c)->wait();
      EXPECT_EQ(seen, e) << deed << ' ' << what << ": " << seen.value;
    });
  }
}

TEST_P(confinement_test, it_is_stopped_as_a_group_and_found_again) {
  auto asked = request({"-c", "sleep 600 & sleep 600"});
  asked.executable = "/bin/sh";
  asked.environment = {"TMPDIR=" + in("work/tmp"), "PATH=/usr/bin:/bin"};
  asked.working_directory = fs::canonical(dir_ / "work");
  run([&]() -> aio::task<> {
    const auto c = child::launch(executor(), asked, std::chrono::seconds{5});
    const pid_t pid = (*c)->pid();
    // What adopted looks for.
    EXPECT_EQ(working_directory_of(pid), asked.working_directory);
    while (!has_variable(pid, asked.environment.front())) { // it is there a moment after the exec
    }
    while (processes_in(asked.working_directory).size() < 3) { // both sleeps run
    }
    for (const auto& member : processes_in(asked.working_directory))
      EXPECT_EQ(member.group, pid);
    (*c)->stop();
    EXPECT_EQ((co_await (*c)->wait()), (domain::process_exit{domain::process_exit::how::signaled, SIGTERM}));
    EXPECT_TRUE(processes_in(asked.working_directory).empty());
  });
}

TEST_P(confinement_test, a_signal_to_its_pid_alone_ends_all_of_it) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    auto asked = request({"-c", "sleep 600 & sleep 600"});
    asked.executable = "/bin/sh";
    asked.environment = {"PATH=/usr/bin:/bin"};
    asked.working_directory = fs::canonical(dir_ / "work");
    run([&]() -> aio::task<> {
      const auto c = child::launch(executor(), asked, std::chrono::seconds{5});
      while (processes_in(asked.working_directory).size() < 3) {
      }
      ::kill((*c)->pid(), signal);
      EXPECT_EQ((co_await (*c)->wait()), (domain::process_exit{domain::process_exit::how::signaled, signal}));
      EXPECT_TRUE(processes_in(asked.working_directory).empty());
    });
  }
}

} // namespace
} // namespace kiln::process
