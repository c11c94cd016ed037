// SPDX-License-Identifier: Apache-2.0
//
// The walls, tried from inside by tests/support/trespasser: with bubblewrap, and with Landlock as each kernel
// since 5.13 has it. The same deeds are tried without walls, so that none fails for another reason.
#pragma once

#include "process/child.hpp"
#include "process/confinement.hpp"
#include "process/landlock.hpp"
#include "process/launcher.hpp"
#include "process/process_table.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <csignal>
#include <cstddef>
#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

namespace kiln::process {

namespace fs = std::filesystem;

inline constexpr int by_bwrap = 100; // above all versions of Landlock
inline constexpr int no_walls = 0;

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
    if (victim_ > 0) {
      EXPECT_EQ(end_by(SIGKILL), SIGKILL);
    }
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

  /// Ends the victim; the signal that it has really ended by. SIGKILL that was sent before goes first.
  int end_by(int signal) {
    const pid_t pid = std::exchange(victim_, 0);
    int status = 0;
    ::kill(pid, signal);
    return ::waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

  tests::temp_directory dir_;
  pid_t victim_ = 0;
};

} // namespace kiln::process
