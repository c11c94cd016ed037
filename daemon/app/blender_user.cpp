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

/// Whether the user can; if not, errno has the reason.
bool may_enter(const credentials& user, const fs::path& directory) {
  const process::acting_as them{&user};
  return ::faccessat(AT_FDCWD, directory.c_str(), X_OK, AT_EACCESS) == 0;
}

/// Lets the user's group pass through a directory of kilnd's, unless the user can already.
void let_pass(const credentials& user, const fs::path& directory) {
  struct stat facts {};
  if (may_enter(user, directory) || ::lstat(directory.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode) ||
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
  auto found = process::find_credentials(c.run_as.empty() ? default_user : c.run_as);
  if (!found)
    return c.run_as.empty() ? result<void>{} : error{errc::invalid_input, "run_as: " + found.error().message};
  const bool is_own = found->user == ::geteuid() && (found->group == ::getegid() || found->user == 0);
  if (is_own || (c.run_as.empty() && (!is_root || c.on_slurm)))
    return {};
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

std::optional<std::string> warn_of_root(const config& c) {
  if (c.blender_user || !c.run_as.empty() || c.on_slurm || ::geteuid() != 0)
    return std::nullopt;
  return fmt::format("run_as: Blender runs as ROOT, since kilnd does and there is no user {}: make that user "
                     "(useradd --system {}), name another one with run_as, or say run_as = \"root\" if this "
                     "is meant",
                     default_user, default_user);
}

std::vector<std::string> admit_blender_user(const config& c) {
  std::vector<std::string> wrong;
  if (!c.blender_user)
    return wrong;
  const auto& user = *c.blender_user;
  const auto kiln = c.output / ".kiln";
  for (const auto& [directory, mode] : {std::pair{uploads_directory(c), mode_t{S_IRWXU}},
                                        std::pair{kiln, mode_t{S_IRWXU | S_IXGRP | S_IXOTH}}})
    (void)::mkdir(directory.c_str(), mode); // it may exist already; its users report other errors
  for (const auto& directory : {c.state, uploads_directory(c), kiln})
    let_pass(user, directory);
  const auto check = [&](const char* key, const fs::path& directory) {
    if (!may_enter(user, directory))
      wrong.push_back(fmt::format(
          "{}: Blender runs as the user {}, which cannot {}; change the modes of it or of a directory above "
          "it, name another directory, or another user with run_as",
          key, user.name, system_error(errno, "enter " + directory.native()).message));
  };
  check("state", uploads_directory(c));
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
