// SPDX-License-Identifier: Apache-2.0
#include "executor/taken_frame.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::executor {
namespace {

namespace fs = std::filesystem;
using aio::unique_descriptor;

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr int file_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC; // a FIFO must not hold us up
constexpr int most_pieces = 65536; // of a file with holes; Blender writes none
constexpr std::string_view copy_suffix = ".copy";

/// Blender can leave anything there, which is no failure of ours. A missing file keeps an error of its own.
error no_frame(const fs::path& path) {
  auto why = system_error(errno, "open " + path.native());
  return errno == ENOENT || is_passing(why.code) ? why : error{errc::corrupt, why.message};
}

/// Whether any process can write to the file through a descriptor or a mapping. A read lease is granted only
/// if none can (fcntl(2), F_SETLEASE). True if the file system has no leases.
bool is_open_for_writing(int file) {
  // The kernel signals the lease holder if a process opens the file: choose a signal ignored by default.
  if (::fcntl(file, F_SETSIG, SIGURG) != 0 || ::fcntl(file, F_SETLEASE, F_RDLCK) != 0)
    return true;
  ::fcntl(file, F_SETLEASE, F_UNLCK);
  return false;
}

/// Calls visit(offset, length) for each extent that holds data. False if that fails, or if there are too
/// many.
template<class Visit>
bool visit_pieces(int file, off_t size, Visit visit) {
  off_t at = 0;
  for (int pieces = 0; at < size && pieces < most_pieces; ++pieces) {
    const auto begin = ::lseek(file, at, SEEK_DATA);
    if (begin < 0)
      return errno == ENXIO; // only a hole is left
    const auto end = std::min<off_t>(::lseek(file, begin, SEEK_HOLE), size);
    if (end <= begin || !visit(begin, end - begin))
      return begin >= size;
    at = end;
  }
  return at >= size;
}

bool copy_piece(int from, int to, off_t at, off_t length) {
  off_t read_at = at, write_at = at;
  while (length > 0) {
    const auto copied = ::copy_file_range(from, &read_at, to, &write_at, static_cast<std::size_t>(length), 0);
    if (copied < 0 && errno == EINTR)
      continue;
    if (copied < 0)
      return false;
    if (copied == 0)
      return true; // it was truncated
    length -= copied;
  }
  return true;
}

/// A copy that shares blocks where the file system supports it. Holes stay holes.
result<unique_descriptor> copy(int from, off_t size, const fs::path& to) {
  ::unlink(to.c_str());
  unique_descriptor file{::open(to.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666)};
  if (!file.is_open())
    return last_error("create", to);
  if (::ioctl(file.get(), FICLONE, from) == 0)
    return file;
  errno = EFBIG;
  const auto copy_here = [&](off_t at, off_t length) { return copy_piece(from, file.get(), at, length); };
  if (::ftruncate(file.get(), size) == 0 && visit_pieces(from, size, copy_here))
    return file;
  const auto why = last_error("copy to", to);
  ::unlink(to.c_str());
  return why;
}

result<struct stat> facts_of(int file, const fs::path& path) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0)
    return no_frame(path);
  if (!S_ISREG(facts.st_mode))
    return error{errc::corrupt, "not a file"};
  if (facts.st_size == 0)
    return error{errc::corrupt, "the file is empty"};
  return facts;
}

/// The disk usage of a regular file: without holes, with blocks allocated past its end. At least the size of
/// its data, because some file systems count the blocks late.
std::uintmax_t bytes_on_disk(int file, const struct stat& facts) {
  constexpr std::uintmax_t block = 512, rounding = 64 << 10; // stat(2)
  const auto blocks = static_cast<std::uintmax_t>(facts.st_blocks) * block;
  const auto size = static_cast<std::uintmax_t>(facts.st_size);
  if (blocks >= size)
    return blocks <= size + rounding ? size : blocks;
  std::uintmax_t data = 0;
  const auto add = [&data](off_t, off_t length) {
    data += static_cast<std::uintmax_t>(length);
    return true;
  };
  const bool is_known = visit_pieces(file, facts.st_size, add);
  return is_known ? std::max(blocks, data) : size;
}

/// Makes a file of Blender's user one of kilnd's, as far as `to` is: no process of that user can open it for
/// writing from here on.
bool take_over(int file, const struct stat& facts, const fs::path& to) {
  constexpr mode_t kept = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH;
  struct stat place {};
  return ::stat(to.c_str(), &place) == 0 && ::fchown(file, ::geteuid(), place.st_gid) == 0 &&
         ::fchmod(file, facts.st_mode & kept) == 0;
}

result<taken_frame> take_copy(const unique_descriptor& of, off_t size, const fs::path& from,
                              const fs::path& to) {
  const auto path = to / (from.filename().native() + std::string{copy_suffix});
  auto made = copy(of.get(), size, path);
  if (!made)
    return made.error();
  return taken_frame{std::move(*made), path, from, static_cast<std::uintmax_t>(size)};
}

} // namespace

result<taken_frame> take(const fs::path& from, const fs::path& to, custody how) {
  const auto name = from.filename();
  const unique_descriptor workspace{::open(from.parent_path().c_str(), directory_flags)};
  struct stat place {};
  if (!workspace.is_open() || ::fstat(workspace.get(), &place) != 0)
    return no_frame(from.parent_path());
  const bool is_others = place.st_uid != ::geteuid(); // of Blender's user; a link to a file is no file of it
  unique_descriptor file{::openat(workspace.get(), name.c_str(), file_flags)};
  if (!file.is_open())
    return no_frame(from);
  const auto facts = facts_of(file.get(), from);
  if (!facts)
    return facts.error();
  if (facts->st_uid != place.st_uid && is_others)
    return error{errc::corrupt, "a file of another user"};
  if (how == custody::in_place)
    return taken_frame{std::move(file), from, from, static_cast<std::uintmax_t>(facts->st_size)};
  if (how == custody::copied || is_open_for_writing(file.get()))
    return take_copy(file, facts->st_size, from, to);

  const auto path = to / name;
  if (::renameat(workspace.get(), name.c_str(), AT_FDCWD, path.c_str()) != 0)
    return last_error("move", from);
  // From here on no Blender can find it. It may not be the file that was inspected.
  unique_descriptor moved{::open(path.c_str(), file_flags)};
  auto now = moved.is_open() ? facts_of(moved.get(), path) : no_frame(path);
  if (now && now->st_uid != place.st_uid && is_others)
    now = error{errc::corrupt, "a file of another user"};
  if (!now) {
    std::error_code ignored;
    fs::remove_all(path, ignored);
    return now.error();
  }
  if (now->st_nlink == 1 && (!is_others || take_over(moved.get(), *now, to)) &&
      !is_open_for_writing(moved.get()))
    return taken_frame{std::move(moved), path, {}, static_cast<std::uintmax_t>(now->st_size)};
  return take_copy(moved, now->st_size, path, to);
}

result<std::uintmax_t> publish(const taken_frame& frame, const fs::path& to) {
  const unique_descriptor source{::open(frame.path.parent_path().c_str(), directory_flags)};
  if (!source.is_open())
    return last_error("open", frame.path.parent_path());
  const unique_descriptor target{::open(to.parent_path().c_str(), directory_flags)};
  if (!target.is_open())
    return last_error("open", to.parent_path());
  struct stat facts {};
  struct stat there {};
  if (::fsync(frame.file.get()) != 0 || ::fstat(frame.file.get(), &facts) != 0)
    return last_error("sync", frame.path);
  if (::renameat(source.get(), frame.path.filename().c_str(), target.get(), to.filename().c_str()) != 0)
    return last_error("rename to", to);
  if (::fstatat(target.get(), to.filename().c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0)
    return last_error("look at", to);
  if (there.st_ino != facts.st_ino || there.st_dev != facts.st_dev) {
    ::unlinkat(target.get(), to.filename().c_str(), 0);
    return error{errc::corrupt, frame.path.native() + " was exchanged while it was verified"};
  }
  if (::fsync(target.get()) != 0)
    return last_error("sync", to.parent_path());
  if (!frame.original.empty() && frame.original != frame.path) {
    const unique_descriptor workspace{::open(frame.original.parent_path().c_str(), directory_flags)};
    ::unlinkat(workspace.get(), frame.original.filename().c_str(), 0); // a file left here is considered again
  }
  return bytes_on_disk(frame.file.get(), facts);
}

void drop(const taken_frame& frame) noexcept {
  std::error_code ignored;
  if (frame.path != frame.original)
    fs::remove(frame.path, ignored);
}

void put_back(const fs::path& taken, const fs::path& workspace) noexcept {
  const unique_descriptor to{::open(workspace.c_str(), directory_flags)};
  struct stat place {};
  const bool is_others =
      to.is_open() && ::fstat(to.get(), &place) == 0 && place.st_uid != ::geteuid(); // of Blender's user
  std::error_code ec;
  fs::create_directories(taken, ec); // an older kilnd had none
  for (fs::directory_iterator entry{taken, ec}, end; !ec && entry != end; entry.increment(ec)) {
    const auto& path = entry->path();
    const bool is_back =
        to.is_open() && path.extension() != copy_suffix &&
        (!is_others ||
         ::fchownat(AT_FDCWD, path.c_str(), place.st_uid, place.st_gid, AT_SYMLINK_NOFOLLOW) == 0) &&
        ::renameat2(AT_FDCWD, path.c_str(), to.get(), path.filename().c_str(), RENAME_NOREPLACE) == 0;
    std::error_code ignored;
    if (!is_back)
      fs::remove_all(path, ignored);
  }
}

} // namespace kiln::executor
