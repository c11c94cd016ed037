// SPDX-License-Identifier: Apache-2.0
#include "app/state_access.hpp"

#include "base/paths.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <sys/stat.h>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;

} // namespace

fs::perms widest_mode_of_state(const fs::path& state, const fs::path& output) {
  constexpr auto pass_through = fs::perms::group_exec | fs::perms::others_exec;
  return is_at_or_below(output, state) ? fs::perms::owner_all | pass_through : fs::perms::owner_all;
}

std::vector<std::string> close_state(const fs::path& state, const fs::path& output) {
  std::vector<std::string> lines;
  const auto close = [&lines](const fs::path& path, fs::perms widest) {
    std::error_code ec;
    const auto found = fs::symlink_status(path, ec);
    if (!fs::exists(found) || fs::is_symlink(found))
      return;
    const auto mode = found.permissions() & widest;
    if (mode == found.permissions())
      return;
    fs::permissions(path, mode, ec);
    lines.push_back(
        ec ? fmt::format("state: other users may read or write {} (mode {:03o}), and it cannot be changed: "
                         "{}; make its mode {:03o}",
                         path.native(), static_cast<unsigned>(found.permissions()), ec.message(),
                         static_cast<unsigned>(mode))
           : fmt::format("state: other users could read or write {}: its mode was {:03o} and is {:03o} now",
                         path.native(), static_cast<unsigned>(found.permissions()),
                         static_cast<unsigned>(mode)));
  };
  for (const char* name : {"logs", "blends"})
    ::mkdir((state / name).c_str(), S_IRWXU); // it may exist already; its users report other errors
  close(state, widest_mode_of_state(state, output));
  for (const char* name : {"kilnd.lock", "logs", "blends"})
    close(state / name, fs::perms::owner_all);
  std::error_code ec;
  for (fs::directory_iterator entry{state, ec}, end; !ec && entry != end; entry.increment(ec))
    if (entry->path().filename().native().starts_with("kiln.db")) // -wal, -shm and copies before an upgrade
      close(entry->path(), fs::perms::owner_all);
  return lines;
}

} // namespace kiln::app
