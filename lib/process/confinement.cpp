// SPDX-License-Identifier: Apache-2.0
#include "process/confinement.hpp"

#include "base/paths.hpp"
#include "process/bubblewrap.hpp"
#include "process/landlock.hpp"
#include "process/search_path.hpp"
#include "process/syscall_filter.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace kiln::process {
namespace {

namespace fs = std::filesystem;

result<confinement> by_landlock(const walls& around, int version) {
  if (version == 0)
    return error{errc::unsupported,
                 "this kernel has no Landlock: it needs Linux 5.13 or newer with Landlock switched on "
                 "(CONFIG_SECURITY_LANDLOCK, and \"landlock\" in the kernel's lsm= if that is set)"};
  auto rules = make_landlock_rules(around, version);
  if (!rules)
    return rules.error();
  auto filter = make_syscall_filter({.talk = around.talk,
                                     .signals = version < landlock_scopes,
                                     .truncation = version < landlock_truncates});
  if (!filter)
    return filter.error();
  return confinement{.how = mechanism::landlock,
                     .filter = std::move(*filter),
                     .ruleset = std::move(rules->ruleset),
                     .pinned = std::move(rules->pinned),
                     .wrapper = {}};
}

std::optional<fs::path> find_bwrap() {
  const char* search_path = std::getenv("PATH");
  return find_program("bwrap", search_path ? search_path : "/usr/bin:/bin");
}

struct place {
  fs::path named;
  fs::path real; ///< without links; empty if it is missing
};

/// Each path once: resolving takes many system calls.
std::vector<place> resolve(const std::vector<fs::path>& named) {
  std::vector<place> all;
  std::set<fs::path> known;
  for (const auto& path : named) {
    std::error_code ec;
    if (known.insert(path).second)
      all.push_back({path, fs::canonical(path, ec)});
  }
  return all;
}

/// A mount needs a path without links. A path that contains one is mounted at both places.
std::vector<fs::path> both_of(const std::vector<place>& places) {
  std::vector<fs::path> all;
  for (const auto& [named, real] : places) {
    all.push_back(named);
    if (!real.empty() && real != named)
      all.push_back(real);
  }
  return all;
}

/// The paths at which hidden files would be visible: their own, and those below each path of `read`.
std::vector<fs::path> names_inside(const std::vector<fs::path>& hidden, const std::vector<place>& read) {
  std::set<fs::path> all;
  for (const auto& [path, real] : resolve(hidden)) {
    if (real.empty())
      continue; // missing
    std::error_code ec;
    if (fs::is_directory(real, ec))
      all.insert({path, real});
    for (const auto& shown : read)
      if (!shown.real.empty() && real != shown.real && is_at_or_below(real, shown.real)) {
        all.insert(real);
        all.insert(shown.named / real.lexically_relative(shown.real));
      }
  }
  return {all.begin(), all.end()};
}

/// Removes paths that the user cannot reach: bwrap, which runs as that user, would fail at them.
void remove_unreachable(std::vector<fs::path>& paths, const credentials* user) {
  const acting_as them{user};
  std::erase_if(paths, [](const fs::path& path) {
    return ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_EACCESS) != 0 && errno == EACCES;
  });
}

result<confinement> by_bubblewrap(walls around, const credentials* user) {
  const auto bwrap = find_bwrap();
  if (!bwrap)
    return error{errc::unsupported, "there is no bwrap in PATH: install bubblewrap"};
  auto filter = make_syscall_filter({.talk = around.talk, .signals = false, .truncation = false});
  if (!filter)
    return filter.error();
  const auto places = resolve(around.read);
  around.read = both_of(places);
  around.hidden = names_inside(around.hidden, places);
  if (user)
    for (auto* paths : {&around.read, &around.hidden})
      remove_unreachable(*paths, user);
  const auto files = std::ranges::stable_partition(around.hidden, [](const fs::path& path) {
    std::error_code ec;
    return fs::is_directory(path, ec);
  });
  const std::vector<fs::path> hidden_files(files.begin(), files.end());
  around.hidden.erase(files.begin(), files.end());
  return confinement{.how = mechanism::bubblewrap,
                     .filter = std::move(*filter),
                     .ruleset = aio::unique_descriptor{},
                     .pinned = {},
                     .wrapper = format_wrapper(*bwrap, around, hidden_files, !user && ::geteuid() == 0)};
}

result<confinement_ptr> share(result<confinement> made) {
  if (!made)
    return made.error();
  return confinement_ptr{std::make_shared<confinement>(std::move(*made))};
}

} // namespace

result<confinement_ptr> confine(mechanism how, const walls& around, const credentials* user) {
  switch (how) {
  case mechanism::landlock:
    return confine_by_landlock(around, landlock_version());
  case mechanism::bubblewrap:
    return share(by_bubblewrap(around, user));
  case mechanism::off:
    break;
  }
  return confinement_ptr{};
}

result<confinement_ptr> confine_by_landlock(const walls& around, int version) {
  return share(by_landlock(around, version));
}

} // namespace kiln::process
