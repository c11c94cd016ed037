// SPDX-License-Identifier: Apache-2.0
#include "process/landlock.hpp"

#include "base/paths.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kiln::process {
namespace {

namespace fs = std::filesystem;
using aio::unique_descriptor;

// Constants missing in the headers of Linux 6.1.
constexpr std::uint64_t access_truncate = 1U << 14;
constexpr std::uint64_t access_ioctl_dev = 1U << 15;
constexpr std::uint64_t net_bind_tcp = 1U << 0;
constexpr std::uint64_t net_connect_tcp = 1U << 1;
constexpr std::uint64_t scope_abstract_sockets = 1U << 0;
constexpr std::uint64_t scope_signals = 1U << 1;

struct ruleset_attributes {
  std::uint64_t files = 0;
  std::uint64_t network = 0; ///< from version 4
  std::uint64_t scopes = 0;  ///< from version 6
};

constexpr std::uint64_t all_of_version_1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
constexpr std::uint64_t reading =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t writing = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                                  LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | access_truncate;
constexpr std::uint64_t controlling = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                                      LANDLOCK_ACCESS_FS_WRITE_FILE | access_truncate | access_ioctl_dev;
/// Rights that apply to files other than directories; the kernel refuses others there.
constexpr std::uint64_t of_a_file = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                                    LANDLOCK_ACCESS_FS_WRITE_FILE | access_truncate | access_ioctl_dev;

std::uint64_t handled_files(int version) {
  std::uint64_t handled = all_of_version_1;
  if (version >= 2)
    handled |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= landlock_truncates)
    handled |= access_truncate;
  if (version >= 5)
    handled |= access_ioctl_dev;
  return handled;
}

unique_descriptor make_ruleset(const walls& around, int version) {
  ruleset_attributes attributes{.files = handled_files(version)};
  if (around.talk != sockets::any)
    attributes.network = net_bind_tcp | net_connect_tcp;
  attributes.scopes = scope_signals;
  if (around.talk == sockets::none)
    attributes.scopes |= scope_abstract_sockets;
  const std::size_t size = version >= landlock_scopes ? sizeof attributes
                           : version >= 4             ? offsetof(ruleset_attributes, scopes)
                                                      : offsetof(ruleset_attributes, network);
  return unique_descriptor{
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0))}; // CLOEXEC by itself
}

bool add_rule(int ruleset, int path, std::uint64_t access) noexcept {
  const landlock_path_beneath_attr rule{.allowed_access = access, .parent_fd = path};
  return ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

/// Adds rules one by one, and keeps the first error.
class rule_writer {
public:
  rule_writer(landlock_rules& out, int version, std::vector<fs::path> hidden)
      : out_(out), handled_(handled_files(version)), hidden_(std::move(hidden)) {}

  void allow(const fs::path& path, std::uint64_t access, int flags = 0) {
    unique_descriptor opened{::open(path.c_str(), O_PATH | O_CLOEXEC | flags)};
    struct stat facts {};
    if (!opened.is_open() || ::fstat(opened.get(), &facts) != 0) {
      if (access == writing || (errno != ENOENT && errno != EACCES && errno != ENOTDIR))
        complain(path);
      return;
    }
    if (!S_ISDIR(facts.st_mode))
      access &= of_a_file;
    if (!add_rule(out_.ruleset.get(), opened.get(), access & handled_))
      complain(path);
    else if (path.native().starts_with("/proc/"))
      out_.pinned.push_back(std::move(opened));
  }

  /// Allows reading all of `path` except hidden files. Landlock only adds rights, so the siblings of hidden
  /// files are allowed one by one, as they exist now. Names of hidden files can still be listed.
  void allow_reading(const fs::path& path) {
    if (std::ranges::none_of(hidden_,
                             [&](const fs::path& h) { return h != path && is_at_or_below(h, path); }))
      return allow(path, reading);
    allow(path, LANDLOCK_ACCESS_FS_READ_DIR);
    std::error_code ec;
    for (fs::directory_iterator entry{path, ec}, end; !ec && entry != end; entry.increment(ec)) {
      std::error_code ignored;
      if (entry->is_symlink(ignored) || std::ranges::find(hidden_, entry->path()) != hidden_.end())
        continue; // a link allows nothing by itself
      if (entry->is_directory(ignored))
        allow_reading(entry->path());
      else
        allow(entry->path(), reading, O_NOFOLLOW);
    }
  }

  [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }

private:
  void complain(const fs::path& path) {
    if (!failure_)
      failure_ = system_error(errno, "allow " + path.native() + " in the sandbox");
  }

  landlock_rules& out_;
  std::uint64_t handled_;
  std::vector<fs::path> hidden_;
  std::optional<error> failure_;
};

/// Without links, so that containment can be decided by name.
fs::path without_links(const fs::path& path) {
  std::error_code ec;
  auto plain = fs::weakly_canonical(path, ec);
  return ec ? path : plain;
}

} // namespace

int landlock_version() noexcept {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? static_cast<int>(version) : 0;
}

result<landlock_rules> make_landlock_rules(const walls& around, int version) {
  landlock_rules rules{.ruleset = make_ruleset(around, version), .pinned = {}};
  if (!rules.ruleset.is_open())
    return system_error(errno, "make rules of Landlock");
  std::vector<fs::path> hidden;
  for (const auto& path : around.hidden)
    hidden.push_back(without_links(path));
  rule_writer writer{rules, version, std::move(hidden)};
  for (const auto& path : around.read)
    writer.allow_reading(without_links(path));
  for (const auto& path : around.devices)
    writer.allow(path, controlling);
  for (const auto& path : around.write)
    writer.allow(path, writing);
  if (writer.failure())
    return *writer.failure();
  return rules;
}

bool allow_own_proc(int ruleset) noexcept {
  const int self = ::open("/proc/self", O_PATH | O_CLOEXEC);
  if (self < 0)
    return errno == ENOENT; // no /proc here, so nothing to read either
  const bool added = add_rule(ruleset, self, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
  ::close(self);
  return added;
}

bool enter_landlock(int ruleset) noexcept {
  return ::syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}

} // namespace kiln::process
