// SPDX-License-Identifier: Apache-2.0
#include "app/blender_user.hpp"

#include "app/part_settings.hpp"
#include "base/paths.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;
using process::credentials;

constexpr const char* default_user = "kiln"; // of the packages

/// Whether the user may do this with a file (access(2)); if not, errno has the reason.
bool may(const credentials& user, const fs::path& path, int what) {
  const process::acting_as them{&user};
  return ::faccessat(AT_FDCWD, path.c_str(), what, AT_EACCESS) == 0;
}

/// Lets the user's group pass through a directory of kilnd's, unless the user can already.
void let_pass(const credentials& user, const fs::path& directory) {
  struct stat facts {};
  if (may(user, directory, X_OK) || ::lstat(directory.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode) ||
      facts.st_uid != ::geteuid())
    return;
  // A failure is reported by those who look whether it helped.
  if (::lchown(directory.c_str(), static_cast<uid_t>(-1), user.group) == 0)
    (void)::chmod(directory.c_str(), (facts.st_mode & S_IRWXU) | S_IXGRP | (facts.st_mode & S_IXOTH));
}

/// Lets the group of the user read an upload; files in the same directory that are not rendered stay closed.
void let_read(const credentials& user, const fs::path& upload, const executor::blend_opener& open) {
  const auto file = open(upload);
  struct stat facts {};
  if (!file || ::fstat(file->get(), &facts) != 0 ||
      (facts.st_gid == user.group && (facts.st_mode & S_IRGRP) != 0))
    return;
  if (::fchown(file->get(), static_cast<uid_t>(-1), user.group) == 0)
    (void)::fchmod(file->get(), S_IRUSR | S_IRGRP);
}

} // namespace

result<void> choose_blender_user(config& c) {
  const bool is_root = ::geteuid() == 0;
  if (c.run_as.empty() && (!is_root || c.on_slurm))
    return {};
  auto found = process::find_credentials(c.run_as.empty() ? default_user : c.run_as);
  if (!found)
    return c.run_as.empty() ? result<void>{} : error{errc::invalid_input, "run_as: " + found.error().message};
  if (found->user == ::geteuid()) {
    if (c.run_as.find(':') == std::string::npos || found->group == ::getegid())
      return {};
    return error{errc::invalid_input,
                 fmt::format("run_as: {} is the user of kilnd itself, whose group stays: leave the group out",
                             found->name)};
  }
  if (!is_root)
    return error{errc::invalid_input,
                 fmt::format("run_as: only a kilnd that runs as root can run Blender as the user {}: leave "
                             "run_as out, or start kilnd as root",
                             found->name)};
  if (c.on_slurm)
    return error{errc::invalid_input,
                 "run_as: jobs on a Slurm cluster belong to the user of kilnd: leave it out"};
  c.blender_user = std::make_shared<const credentials>(std::move(*found));
  return {};
}

std::vector<std::string> warnings_of_blender_user(const config& c) {
  std::vector<std::string> lines;
  if (!c.blender_user && c.run_as.empty() && !c.on_slurm && ::geteuid() == 0)
    lines.push_back(fmt::format("run_as: Blender runs as ROOT, since kilnd does and there is no user {}: "
                                "make that user (useradd --system {}), name another one with run_as, or say "
                                "run_as = \"root\" if this is meant",
                                default_user, default_user));
  if (c.blender_user)
    for (const auto& [key, directory] : {std::pair{"state", c.state}, std::pair{"output", c.output}})
      if (may(*c.blender_user, directory, W_OK | X_OK))
        lines.push_back(
            fmt::format("{}: Blender runs as the user {}, which can write to {}, where only kilnd "
                        "should: run kilnd as that user, or give the directory to root",
                        key, c.blender_user->name, directory.native()));
  return lines;
}

std::vector<std::string> admit_blender_user(const config& c) {
  std::vector<std::string> wrong;
  if (!c.blender_user)
    return wrong;
  const auto& user = *c.blender_user;
  const auto uploads = uploads_directory(c);
  const auto kiln = c.output / ".kiln";
  for (const auto& directory : {c.state, uploads, kiln})
    let_pass(user, directory);
  const auto check = [&](const char* key, const fs::path& directory) {
    if (may(user, directory, X_OK) || errno == ENOENT) // the start makes it
      return;
    wrong.push_back(fmt::format(
        "{}: Blender runs as the user {}, which cannot {}; change the modes of it or of a directory above "
        "it, name another directory, or another user with run_as",
        key, user.name, system_error(errno, "enter " + directory.native()).message));
  };
  check("state", c.state);
  check("state", uploads);
  check("output", c.output);
  check("output", kiln);
  for (const auto& root : c.project_roots)
    check("project_root", root);
  return wrong;
}

executor::blend_opener readable_by_blender(const config& c, executor::blend_opener open) {
  if (!c.blender_user)
    return open;
  return [user = c.blender_user, uploads = uploads_directory(c),
          open = std::move(open)](const fs::path& blend) -> result<aio::unique_descriptor> {
    if (is_at_or_below(blend, uploads))
      let_read(*user, blend, open);
    const process::acting_as them{user.get()};
    auto opened = open(blend);
    if (!opened && opened.error().code == boost::system::errc::permission_denied)
      return error{opened.error().code, fmt::format("Blender runs as the user {}, which may not read it: {}",
                                                    user->name, opened.error().message)};
    return opened;
  };
}

} // namespace kiln::app
