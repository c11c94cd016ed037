// SPDX-License-Identifier: Apache-2.0
#include "app/state_access.hpp"

#include "base/paths.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <sys/stat.h>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;

/// See admit_blender_user().
fs::perms widest_mode_of_uploads(const config& c) {
  return c.blender_user ? fs::perms::owner_all | fs::perms::group_exec : fs::perms::owner_all;
}

} // namespace

fs::perms widest_mode_of_state(const config& c) {
  constexpr auto pass_through = fs::perms::group_exec | fs::perms::others_exec;
  return widest_mode_of_uploads(c) | (is_at_or_below(c.output, c.state) ? pass_through : fs::perms::none);
}

std::vector<std::string> close_state(const config& c) {
  const auto& state = c.state;
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
  ::mkdir((c.output / ".kiln").c_str(), 0777);
  close(state, widest_mode_of_state(c));
  close(state / "blends", widest_mode_of_uploads(c));
  for (const char* name : {"kilnd.lock", "logs"})
    close(state / name, fs::perms::owner_all);
  std::error_code ec;
  for (fs::directory_iterator entry{state, ec}, end; !ec && entry != end; entry.increment(ec))
    if (entry->path().filename().native().starts_with("kiln.db")) // -wal, -shm and copies before an upgrade
      close(entry->path(), fs::perms::owner_all);
  return lines;
}

} // namespace kiln::app
