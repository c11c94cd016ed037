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

/// Lets the group of the user read an upload, which has a directory of its own; other uploads stay closed.
void let_read(const credentials& user, const fs::path& upload, const executor::blend_opener& open) {
  let_pass(user, upload.parent_path());
  const auto file = open(upload);
  struct stat facts {};
  if (!file || ::fstat(file->get(), &facts) != 0 ||
      (facts.st_gid == user.group && (facts.st_mode & S_IRGRP) != 0))
    return;
  if (::fchown(file->get(), static_cast<uid_t>(-1), user.group) == 0)
    (void)::fchmod(file->get(), S_IRUSR | S_IRGRP);
}

/// `path`, or the nearest directory above it that exists: the start makes those between.
fs::path nearest(fs::path path) {
  std::error_code ec;
  while (path.has_relative_path() && !fs::exists(path, ec))
    path = path.parent_path();
  return path;
}

/// Why Blender cannot run as this user here; empty: it can.
std::string lack_of(const config& c, const credentials& user) {
  if (auto lack = process::lack_of_privilege(user); !lack.empty())
    return "kilnd lacks " + lack;
  const auto cannot = [&user](const char* deed, const fs::path& path, int what) {
    return may(user, path, what)
               ? std::string{}
               : fmt::format("the user {} cannot {}", user.name,
                             system_error(errno, fmt::format("{} {}", deed, path.native())).message);
  };
  for (const auto& directory : {c.state, c.output})
    if (auto lack = cannot("enter", nearest(directory.parent_path()), X_OK); !lack.empty())
      return lack;
  for (const auto& root : c.project_roots)
    if (auto lack = cannot("enter", nearest(root), X_OK); !lack.empty())
      return lack;
  for (const auto& blender : c.blenders)
    if (std::error_code ec; blender.path.has_parent_path() && fs::exists(blender.path, ec))
      if (auto lack = cannot("run", blender.path, X_OK); !lack.empty())
        return lack;
  std::error_code ec;
  return c.blend.empty() || !fs::exists(c.blend, ec) ? std::string{} : cannot("read", c.blend, R_OK);
}

/// The user of the packages, if Blender can run as that one; otherwise c.lack_of_user says why not.
void choose_by_default(config& c) {
  auto found = process::find_credentials(default_user);
  if (found && found->user == ::geteuid())
    return;
  auto lack = found ? lack_of(c, *found) : fmt::format("there is no user {}", default_user);
  if (lack.empty())
    c.blender_user = std::make_shared<const credentials>(std::move(*found));
  else
    c.lack_of_user =
        fmt::format("run_as: Blender runs as ROOT, since kilnd does and {}. Mend that (a user is made by "
                    "useradd --system "
                    "{}), name another user with run_as, or say run_as = \"root\" if this is meant",
                    lack, default_user);
}

/// A device of a GPU that this user cannot open; empty: there is none.
fs::path closed_gpu(const credentials& user) {
  std::vector<fs::path> devices{"/dev/kfd", "/dev/nvidiactl"};
  std::error_code ec;
  for (fs::directory_iterator entry{"/dev/dri", ec}, end; !ec && entry != end; entry.increment(ec))
    if (entry->path().filename().native().starts_with("renderD"))
      devices.push_back(entry->path());
  for (const auto& device : devices)
    if (!may(user, device, R_OK | W_OK) && errno == EACCES)
      return device;
  return {};
}

} // namespace

result<void> choose_blender_user(config& c) {
  const bool is_root = ::geteuid() == 0;
  if (c.run_as.empty()) {
    if (is_root && !c.on_slurm)
      choose_by_default(c);
    return {};
  }
  auto found = process::find_credentials(c.run_as);
  if (!found)
    return error{errc::invalid_input, "run_as: " + found.error().message};
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
  if (const auto lack = process::lack_of_privilege(*found); !lack.empty())
    return error{errc::invalid_input,
                 fmt::format("run_as: kilnd cannot start processes of the user {}, since it lacks {}",
                             found->name, lack)};
  c.blender_user = std::make_shared<const credentials>(std::move(*found));
  return {};
}

std::vector<std::string> warnings_of_blender_user(const config& c) {
  std::vector<std::string> lines;
  if (!c.lack_of_user.empty())
    lines.push_back(c.lack_of_user);
  if (c.blender_user)
    if (const auto gpu = closed_gpu(*c.blender_user); !gpu.empty())
      lines.push_back(
          fmt::format("run_as: the user {}, which Blender runs as, cannot use the GPU at {}: add it "
                      "to the group of that file (often video or render)",
                      c.blender_user->name, gpu.native()));
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
