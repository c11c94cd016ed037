// SPDX-License-Identifier: Apache-2.0
#include "store/state_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::store {
namespace {

/// The pid that the holder has written, 0 when it has not.
pid_t holder_of(int file) {
  std::array<char, 16> text{};
  const auto size = ::pread(file, text.data(), text.size(), 0);
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + std::max<ssize_t>(size, 0), pid);
  return pid;
}

/// Waits for the lock as long as its holder is dead: a process that it was just starting when it was killed
/// has the lock with it until it executes its program, a moment later.
bool lock(int file) {
  constexpr int tries = 200, pause_ms = 10;
  for (int i = 0; ::flock(file, LOCK_EX | LOCK_NB) != 0; ++i) {
    const auto holder = holder_of(file);
    const bool is_dead = holder > 0 && ::kill(holder, 0) != 0 && errno == ESRCH;
    if (!is_dead || i == tries)
      return false;
    ::poll(nullptr, 0, pause_ms);
  }
  return true;
}

} // namespace

result<state_lock> state_lock::take(const std::filesystem::path& state) {
  const auto path = state / "kilnd.lock";
  aio::unique_descriptor file{
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR | S_IRGRP)};
  if (!file.is_open())
    return system_error(errno, "state: open " + path.native());
  if (!lock(file.get())) {
    const auto holder = holder_of(file.get());
    return error{
        errc::conflict,
        fmt::format("state: another kilnd (process {}) uses {}: stop it, or give this one another --state",
                    holder > 0 ? std::to_string(holder) : "unknown", state.native())};
  }
  const auto own = std::to_string(::getpid());
  if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), own.data(), own.size(), 0) < 0)
    return system_error(errno, "state: write " + path.native());
  return state_lock{std::move(file)};
}

} // namespace kiln::store
