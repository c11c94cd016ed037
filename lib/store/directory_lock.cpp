// SPDX-License-Identifier: Apache-2.0
#include "store/directory_lock.hpp"

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

/// The pid written by the holder; 0 if there is none.
pid_t holder_of(int file) {
  std::array<char, 16> text{};
  const auto size = ::pread(file, text.data(), text.size(), 0);
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + std::max<ssize_t>(size, 0), pid);
  return pid;
}

/// errno says why it is false: EWOULDBLOCK when a process has the lock. Waits while the holder is dead: a
/// child that it was just starting when it was killed holds the lock until its exec, a moment later.
bool lock(int file) {
  constexpr int tries = 200, pause_ms = 10;
  for (int i = 0; ::flock(file, LOCK_EX | LOCK_NB) != 0; ++i) {
    if (errno != EWOULDBLOCK)
      return false;
    const auto holder = holder_of(file);
    const bool is_dead = holder > 0 && ::kill(holder, 0) != 0 && errno == ESRCH;
    if (!is_dead || i == tries) {
      errno = EWOULDBLOCK;
      return false;
    }
    ::poll(nullptr, 0, pause_ms);
  }
  return true;
}

aio::unique_descriptor open_file(const std::filesystem::path& path, int flags) {
  return aio::unique_descriptor{
      ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, S_IRUSR | S_IWUSR)};
}

/// Locks an open file; `key` as for take().
result<void> lock_or_explain(int opened, const std::filesystem::path& file, std::string_view key) {
  if (lock(opened))
    return {};
  if (errno != EWOULDBLOCK)
    return system_error(errno, fmt::format("{}: lock {}", key, file.native()));
  const auto holder = holder_of(opened);
  return error{errc::conflict,
               fmt::format("{}: another kilnd (process {}) uses {}: stop it, or give this one another --{}",
                           key, holder > 0 ? std::to_string(holder) : "unknown", file.parent_path().native(),
                           key)};
}

} // namespace

result<void> directory_lock::check(const std::filesystem::path& file, std::string_view key) {
  const auto opened = open_file(file, 0);
  if (opened.is_open())
    return lock_or_explain(opened.get(), file, key);
  if (errno != ENOENT && errno != ENOTDIR)
    return system_error(errno, fmt::format("{}: open {}", key, file.native()));
  return {};
}

result<directory_lock> directory_lock::take(const std::filesystem::path& file, std::string_view key) {
  auto opened = open_file(file, O_CREAT);
  if (!opened.is_open())
    return system_error(errno, fmt::format("{}: open {}", key, file.native()));
  if (auto locked = lock_or_explain(opened.get(), file, key); !locked)
    return locked.error();
  const auto own = std::to_string(::getpid());
  if (::ftruncate(opened.get(), 0) != 0 || ::pwrite(opened.get(), own.data(), own.size(), 0) < 0)
    return system_error(errno, fmt::format("{}: write {}", key, file.native()));
  return directory_lock{std::move(opened)};
}

} // namespace kiln::store
