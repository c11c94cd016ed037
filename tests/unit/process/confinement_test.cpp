// SPDX-License-Identifier: Apache-2.0
// The walls, tried from inside by tests/support/trespasser: with bubblewrap, and with Landlock as each kernel
// since 5.13 has it. The same deeds are tried without walls, so that none fails for another reason.
#include "process/bubblewrap.hpp"
#include "process/child.hpp"
#include "process/confinement.hpp"
#include "process/landlock.hpp"
#include "process/launcher.hpp"
#include "process/process_table.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <gmock/gmock.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace kiln::process {
namespace {

namespace fs = std::filesystem;

constexpr int by_bwrap = 100; // above all versions of Landlock
constexpr int no_walls = 0;

/// A socket that somebody listens on, or takes datagrams from.
class open_door {
public:
  explicit open_door(int type) : fd_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(fd_.get(), 8), 0);
    }
    EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
    name_ = std::to_string(ntohs(at.sin_port));
  }
  /// A local one; '@' in front: abstract.
  explicit open_door(const std::string& name)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), name_(name) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, name.c_str(), name.size());
    if (name.front() == '@')
      at.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(fd_.get(), 8), 0);
  }
  [[nodiscard]] const std::string& name() const { return name_; }

private:
  aio::unique_descriptor fd_;
  std::string name_;
};

class confinement_test : public tests::loop_test, public testing::WithParamInterface<int> {
protected:
  static void SetUpTestSuite() { become_subreaper(); }

  void SetUp() override {
    for (const char* directory :
         {"work", "project/below", "project/frames/.kiln/mine", "project/frames/theirs", "state/blends"})
      fs::create_directories(dir_ / directory);
    for (const char* file :
         {"project/scene", "project/frames/theirs/1.png", "state/kiln.db", "state/blends/sent", "secret",
          "project/key", "project/below/tokens", "elsewhere"})
      dir_.write(file, "text");
    fs::create_symlink("below/tokens", dir_ / "project/tokens");
    fs::create_symlink("project", dir_ / "linked");
    fs::create_symlink(dir_ / "secret", dir_ / "project/link");
    victim_ = spawn({.executable = "/bin/sleep",
                     .arguments = {"600"},
                     .environment = {},
                     .working_directory = "/",
                     .log_file = "/dev/null"})
                  .value();
  }

  void TearDown() override {
    ::kill(victim_, SIGKILL);
    ::waitpid(victim_, nullptr, 0);
  }

  [[nodiscard]] walls around() const {
    return {.read = {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", fs::path{TRESPASSER}.parent_path(),
                     dir_ / "project", dir_ / "state/blends", "/nonexistent"},
            .write = {dir_ / "work", dir_ / "project/frames/.kiln/mine"},
            .devices = {"/dev/null"},
            .hidden = {dir_ / "project/frames", dir_ / "state", dir_ / "project/key", dir_ / "project/tokens",
                       dir_ / "project/missing", dir_ / "elsewhere"}};
  }

  static result<confinement_ptr> confined(const walls& w) {
    if (GetParam() == no_walls)
      return confinement_ptr{};
    return GetParam() == by_bwrap ? confine(mechanism::bubblewrap, w) : confine_by_landlock(w, GetParam());
  }

  /// Skips where the machine has no such mechanism.
  launch_request request(std::vector<std::string> arguments) {
    auto walls = confined(around());
    EXPECT_TRUE(walls) << walls.error().message;
    return {.executable = TRESPASSER,
            .arguments = std::move(arguments),
            .environment = {},
            .working_directory = dir_ / "work",
            .log_file = dir_ / "log",
            .sandbox = walls ? *walls : nullptr};
  }

  /// What came of each deed.
  std::map<std::string, std::string> attempt(const std::vector<std::pair<std::string, std::string>>& deeds) {
    std::vector<std::string> arguments;
    for (const auto& [deed, what] : deeds) {
      arguments.push_back(deed);
      arguments.push_back(what);
    }
    fs::remove(dir_ / "log");
    const auto asked = request(arguments);
    run([&]() -> aio::task<> {
      const auto c = child::launch(executor(), asked, std::chrono::seconds{5});
      EXPECT_TRUE(c) << c.error().message;
      if (!c)
        co_return;
      const auto end = co_await (*c)->wait();
      EXPECT_TRUE(end.is_success()) << dir_.read("log");
    });
    std::map<std::string, std::string> results;
    std::istringstream lines{dir_.read("log")};
    for (std::string line; std::getline(lines, line);) {
      const auto colon = line.rfind(": ");
      EXPECT_NE(colon, std::string::npos) << line;
      if (colon != std::string::npos)
        results[line.substr(0, colon)] = line.substr(colon + 2);
    }
    EXPECT_EQ(results.size(), deeds.size()) << dir_.read("log");
    return results;
  }

  std::string in(const std::string& name) const { return (dir_ / name).native(); }
  std::string victim() const { return std::to_string(victim_); }

  bool victim_lives() const {
    const auto facts = facts_of(victim_);
    return facts && !facts->is_zombie;
  }

  tests::temp_directory dir_;
  pid_t victim_ = 0;
};

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
TEST_P(confinement_test, system_calls_that_the_filter_does_not_judge_do_not_exist) {
  if (GetParam() == no_walls)
    return; // the kernel has what it has
  for (const auto& [deed, came] :
       attempt({{"call", "451"}, {"call", "452"}, {"call", "463"}, {"call", "700"}, {"call", "1073741823"}}))
    EXPECT_EQ(came, "Function not implemented") << deed;
}

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
  if (GetParam() == no_walls)
    return; // the kernel's settings may forbid the others anyway
  EXPECT_NE(attempt({{"signal_by_file", victim()}}).begin()->second, "done");
  for (const auto& [what, came] : attempt({{"ptrace", victim()}, {"new_user", "-"}, {"ring", "-"}}))
    EXPECT_NE(came, "done") << what;
  EXPECT_TRUE(victim_lives());
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

TEST(bubblewrap, deeper_places_cover_the_others) {
  const auto words = format_wrapper(
      "/usr/bin/bwrap", {.read = {"/p/in/out", "/p"}, .write = {"/p/in/out/w"}, .hidden = {"/p/in"}},
      {"/p/key"}, false);
  std::string line;
  for (const auto& word : words)
    line += word + ' ';
  EXPECT_THAT(line, testing::HasSubstr("--ro-bind-try /p /p --tmpfs /p/in --ro-bind /dev/null /p/key "
                                       "--ro-bind-try /p/in/out /p/in/out --bind "
                                       "/p/in/out/w /p/in/out/w "));
  EXPECT_THAT(words, testing::Contains("--unshare-net"));
  EXPECT_THAT(words, testing::Not(testing::Contains("--die-with-parent"))) << "Blender outlives kilnd";
}

TEST(bubblewrap, signals_come_as_128_and_more) {
  EXPECT_EQ(signal_of_status(139), SIGSEGV);
  EXPECT_EQ(signal_of_status(137), SIGKILL);
  for (const int status : {0, 1, 97, 128, 255})
    EXPECT_EQ(signal_of_status(status), 0) << status;
}

} // namespace
} // namespace kiln::process
