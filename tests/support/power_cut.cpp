// SPDX-License-Identifier: Apache-2.0
//
// A disk that loses power, for tests: a library for LD_PRELOAD that records the durable data of a process.
//
//   POWER_CUT_ROOTS   directories, colon separated, canonical: only they and their content are watched
//   POWER_CUT_MIRROR  where the notes go: content/KEY, a file as of its last fsync or fdatasync;
//                     entries/KEY, a directory's durable entries, each "name NUL key NUL"
//   POWER_CUT_STRICT  1: only the fsync of a directory makes its entries durable, as POSIX has it. Otherwise
//                     a sync also makes the names of the file and of its directories durable: ext4.
//
// tests/support/power_cut.py sets these, and rebuilds the directories as after the loss of power. A kill -9
// at any moment stands for the cut: a note is written to a temporary name and renamed, so it is there or it
// is not. Below the roots a sync costs no disk: the notes are the disk. When a note cannot be written the
// process aborts.
//
// Not modelled: sync, syncfs, O_SYNC, msync, links of both kinds, owners, times; a sync of one file that, as
// on ext4, makes OTHER names durable; one rename between two directories counts in each on its own. An inode
// is known by its number and its time of birth, whose grain is a kernel tick: a number used again at once may
// be mistaken.
#include "aio/unique_descriptor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using kiln::aio::unique_descriptor;
using entries = std::map<std::string, std::string>; // name → key

struct inode {
  std::string
      key; ///< "f-…" for a regular file, "d-…" for a directory; never the same for two inodes (see above)
  mode_t mode;
};

[[noreturn]] void fail(std::string_view what, const fs::path& path) {
  throw std::system_error(errno, std::generic_category(),
                          fmt::format("power_cut: {} {}", what, path.native()));
}

/// Nothing when it is gone, or neither a regular file nor a directory.
std::optional<inode> look(int at, const fs::path& path) {
  struct statx found {};
  if (::statx(at, path.c_str(), AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME,
              &found) != 0)
    return std::nullopt;
  if (!S_ISREG(found.stx_mode) && !S_ISDIR(found.stx_mode))
    return std::nullopt;
  return inode{fmt::format("{}-{}-{}-{}", S_ISDIR(found.stx_mode) ? 'd' : 'f', found.stx_ino,
                           found.stx_btime.tv_sec, found.stx_btime.tv_nsec),
               found.stx_mode};
}

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The root that holds the path, or nothing.
std::optional<fs::path> root_of(const fs::path& path) {
  const auto roots = setting("POWER_CUT_ROOTS");
  for (std::string_view rest = roots; !rest.empty();) {
    const auto root = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), root.size() + 1));
    if (!root.empty() && (path.native() + '/').starts_with(std::string(root) + '/'))
      return fs::path(root);
  }
  return std::nullopt;
}

class mirror {
public:
  /// Locked against other threads and processes as long as it lives.
  explicit mirror(fs::path path)
      : path_(std::move(path)), lock_(::open((path_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (!lock_.is_open())
      fail("cannot open the lock in", path_);
    while (::flock(lock_.get(), LOCK_EX) != 0)
      if (errno != EINTR)
        fail("cannot lock", path_);
  }

  void keep_content(int fd, const inode& file) {
    // SQLite's POSIX locks on a file go when ANY descriptor of it is closed: read through the one that is
    // there, and open another only where it cannot read.
    const bool readable = (::fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY;
    const unique_descriptor other(
        readable ? -1 : ::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_RDONLY | O_CLOEXEC));
    const unique_descriptor copy(::open(temporary().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    off_t offset = 0;
    ssize_t sent = 1;
    while (sent > 0)
      sent = ::sendfile(copy.get(), readable ? fd : other.get(), &offset, 1 << 30);
    if (sent < 0 || ::fchmod(copy.get(), file.mode & 0777) != 0)
      fail("cannot copy", file.key);
    fs::rename(temporary(), path_ / "content" / file.key);
  }

  /// All entries of a directory become as they are now.
  void keep_entries(const fs::path& path, const inode& directory) {
    entries now;
    for (const auto& entry : fs::directory_iterator(path))
      if (const auto found = look(AT_FDCWD, entry.path()))
        now[entry.path().filename()] = found->key;
    write(directory.key, now);
  }

  /// The name of an inode becomes durable, and no older name in the same directory is.
  void keep_name(const fs::path& path, const inode& named, const inode& parent) {
    auto kept = read(parent.key);
    if (const auto found = kept.find(path.filename()); found != kept.end() && found->second == named.key)
      return;
    std::erase_if(kept, [&](const auto& entry) { return entry.second == named.key; });
    kept[path.filename()] = named.key;
    write(parent.key, kept);
  }

private:
  [[nodiscard]] fs::path temporary() const { return path_ / "temporary"; }

  [[nodiscard]] entries read(const std::string& key) const {
    entries kept;
    std::ifstream file(path_ / "entries" / key, std::ios::binary);
    for (std::string name, value; std::getline(file, name, '\0') && std::getline(file, value, '\0');)
      kept[name] = value;
    return kept;
  }

  void write(const std::string& key, const entries& kept) {
    std::ofstream file(temporary(), std::ios::binary | std::ios::trunc);
    for (const auto& [name, value] : kept)
      file << name << '\0' << value << '\0';
    file.close();
    if (!file)
      fail("cannot write the entries of", key);
    fs::rename(temporary(), path_ / "entries" / key);
  }

  fs::path path_;
  unique_descriptor lock_;
};

/// False when the descriptor is none of ours.
bool keep(int fd) {
  const auto synced = look(fd, "");
  std::error_code none;
  auto path = fs::read_symlink(fmt::format("/proc/self/fd/{}", fd), none);
  const auto root = none ? std::nullopt : root_of(path);
  if (!synced || !root)
    return false;

  auto named = look(AT_FDCWD, path);
  const bool linked = named && named->key == synced->key; // not unlinked or replaced
  mirror notes(setting("POWER_CUT_MIRROR"));
  if (S_ISREG(synced->mode))
    notes.keep_content(fd, *synced);
  else if (linked)
    notes.keep_entries(path, *synced);

  if (!linked || setting("POWER_CUT_STRICT") == "1")
    return true;
  for (; path != *root; path = path.parent_path()) {
    auto parent = look(AT_FDCWD, path.parent_path());
    if (!parent)
      fail("cannot find the directory of", path);
    notes.keep_name(path, *named, *parent);
    named = std::move(parent);
  }
  return true;
}

} // namespace

extern "C" {

// noexcept: an exception here ends the process with its message; a test must not pass with half a mirror.
__attribute__((visibility("default"))) int fsync(int fd) noexcept {
  return keep(fd) ? 0 : static_cast<int>(::syscall(SYS_fsync, fd));
}

__attribute__((visibility("default"))) int fdatasync(int fd) noexcept {
  return keep(fd) ? 0 : static_cast<int>(::syscall(SYS_fdatasync, fd));
}
}
