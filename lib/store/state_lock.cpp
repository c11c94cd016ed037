// SPDX-License-Identifier: Apache-2.0
#include "store/state_lock.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::store {

result<state_lock> state_lock::take(const std::filesystem::path& state) {
  const auto path = state / "kilnd.lock";
  aio::unique_descriptor file{
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR | S_IRGRP)};
  if (!file.is_open())
    return system_error(errno, "state: open " + path.native());
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return system_error(errno, "state: lock " + path.native());
    std::array<char, 16> holder{};
    const auto size = ::pread(file.get(), holder.data(), holder.size() - 1, 0);
    const std::string pid{holder.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    return error{
        errc::conflict,
        fmt::format("state: another kilnd (process {}) uses {}: stop it, or give this one another --state",
                    pid.empty() ? "unknown" : pid, state.native())};
  }
  const auto own = std::to_string(::getpid());
  if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), own.data(), own.size(), 0) < 0)
    return system_error(errno, "state: write " + path.native());
  return state_lock{std::move(file)};
}

} // namespace kiln::store
