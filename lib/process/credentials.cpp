// SPDX-License-Identifier: Apache-2.0
#include "process/credentials.hpp"

#include "aio/unique_descriptor.hpp"
#include "base/number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kiln::process {
namespace {

namespace fs = std::filesystem;

struct account {
  uid_t user = 0;
  gid_t group = 0;
  std::string name;
  fs::path home;
};

/// Calls getpwnam_r(3) or getpwuid_r(3).
template<class Ask>
std::optional<account> find_account(Ask ask) {
  std::vector<char> text(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  while (ask(&entry, text.data(), text.size(), &found) == ERANGE && text.size() < (1U << 24U))
    text.resize(text.size() * 2);
  if (!found)
    return std::nullopt;
  return account{found->pw_uid, found->pw_gid, found->pw_name, found->pw_dir};
}

std::vector<gid_t> groups_of(const account& of) {
  std::vector<gid_t> groups(64);
  for (;;) {
    int count = static_cast<int>(groups.size());
    const bool fits = ::getgrouplist(of.name.c_str(), of.group, groups.data(), &count) >= 0;
    groups.resize(static_cast<std::size_t>(std::max(count, 0)));
    if (fits || groups.empty())
      return groups;
  }
}

/// C's wrapper would change the groups of all threads.
bool set_groups(const std::vector<gid_t>& groups) noexcept {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

} // namespace

result<credentials> find_credentials(std::string_view text) {
  const auto colon = text.find(':');
  const std::string name{text.substr(0, colon)};
  auto found = find_account([&name](auto... to) { return ::getpwnam_r(name.c_str(), to...); });
  const auto number = parse_number<uid_t>(name);
  if (!found && number && *number != static_cast<uid_t>(-1))
    found = find_account([&number](auto... to) { return ::getpwuid_r(*number, to...); });
  if (colon == std::string_view::npos) {
    if (found)
      return credentials{found->user, found->group, groups_of(*found), found->name, found->home};
    return error{errc::invalid_input,
                 fmt::format("there is no user {} on this machine: name one, or say UID:GID", name)};
  }
  const auto group = parse_number<gid_t>(text.substr(colon + 1));
  if (!number || *number == static_cast<uid_t>(-1) || !group || *group == static_cast<gid_t>(-1))
    return error{errc::invalid_input,
                 fmt::format("\"{}\" is not the name of a user, a uid, or UID:GID such as 1000:1000", text)};
  return credentials{*number, *group, {}, found ? found->name : name, found ? found->home : fs::path{"/"}};
}

std::vector<std::string> environment_of(const credentials& user, std::vector<std::string> environment) {
  constexpr std::array of_another{"HOME=", "USER=", "LOGNAME=", "XDG_RUNTIME_DIR="};
  std::erase_if(environment, [&of_another](std::string_view variable) {
    return std::ranges::any_of(of_another, [&](const char* name) { return variable.starts_with(name); });
  });
  environment.push_back("HOME=" + user.home.native());
  environment.push_back("USER=" + user.name);
  environment.push_back("LOGNAME=" + user.name);
  return environment;
}

bool become(const credentials& user) noexcept {
  // System calls: the C library would tell the parent's threads, which share the memory, to do the same.
  if (!set_groups(user.groups) || ::syscall(SYS_setresgid, user.group, user.group, user.group) != 0 ||
      ::syscall(SYS_setresuid, user.user, user.user, user.user) != 0)
    return false;
  // The kernel has taken the capabilities, unless SECBIT_NO_SETUID_FIXUP is set.
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

std::string lack_of_privilege(const credentials& user) {
  struct named {
    unsigned number;
    const char* name;
  };
  constexpr std::array needed{named{CAP_SETUID, "CAP_SETUID"}, named{CAP_SETGID, "CAP_SETGID"},
                              named{CAP_CHOWN, "CAP_CHOWN"}, named{CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
                              named{CAP_KILL, "CAP_KILL"}};
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> own{};
  if (::syscall(SYS_capget, &header, own.data()) != 0)
    return "knowledge of its capabilities";
  for (const auto& one : needed)
    if ((own[0].effective & (1U << one.number)) == 0)
      return one.name;
  const acting_as them{&user};
  return them.is_other() ? std::string{} : "that user in its namespace";
}

acting_as::acting_as(const credentials* user) {
  if (!user)
    return;
  groups_.resize(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  if (::getgroups(static_cast<int>(groups_.size()), groups_.data()) < 0 || !set_groups(user->groups))
    return;
  is_changed_ = true;
  group_ = static_cast<gid_t>(::setfsgid(user->group)); // both of this thread only
  user_ = static_cast<uid_t>(::setfsuid(user->user));
  // Neither says whether it has worked; asked for what it cannot be, each says what it is.
  is_other_ = static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1))) == user->group &&
              static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1))) == user->user;
}

acting_as::~acting_as() {
  if (!is_changed_)
    return;
  ::setfsuid(user_);
  ::setfsgid(group_);
  set_groups(groups_);
}

result<void> give_directory(const fs::path& directory, const credentials* to) {
  if (!to)
    return {};
  const aio::unique_descriptor opened{
      ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat facts {};
  if (!opened.is_open() || ::fstat(opened.get(), &facts) != 0)
    return last_error("open", directory);
  if (facts.st_uid == to->user)
    return {};
  if (facts.st_uid != ::geteuid())
    return error{errc::corrupt, directory.native() + " was exchanged for a directory of another user"};
  // Until here only kilnd could write there, so the entries are its own.
  std::error_code ec;
  for (fs::directory_iterator entry{directory, ec}, end; !ec && entry != end; entry.increment(ec))
    if (::fchownat(opened.get(), entry->path().filename().c_str(), to->user, to->group,
                   AT_SYMLINK_NOFOLLOW) != 0)
      return last_error("give away", entry->path());
  if (ec)
    return system_error(ec.value(), "list " + directory.native());
  if (::fchmod(opened.get(), S_IRWXU) != 0 || ::fchown(opened.get(), to->user, to->group) != 0)
    return last_error("give away", directory);
  return {};
}

} // namespace kiln::process
