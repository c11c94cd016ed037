// SPDX-License-Identifier: Apache-2.0
#include "blends/beneath.hpp"

#include "aio/patient_open.hpp"
#include "base/paths.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kiln::blends {
namespace {

namespace fs = std::filesystem;
using aio::unique_descriptor;

/// Returns -1 and sets errno like openat(2).
int open_by_kernel(int root, const fs::path& inside) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, root, inside.c_str(), &how, sizeof how));
}

/// The same without its help: each step is opened in the directory before it, and none may be a link.
int open_by_steps(int at, fs::path::iterator step, const fs::path::iterator& end) {
  if (step == end || *step == ".." || *step == ".") {
    errno = EXDEV;
    return -1;
  }
  const auto name = *step;
  constexpr int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  if (++step == end)
    return ::openat(at, name.c_str(), flags);
  const unique_descriptor next{::openat(at, name.c_str(), flags | O_DIRECTORY)};
  return next.is_open() ? open_by_steps(next.get(), step, end) : -1;
}

bool is_not_known(int errno_value) {
  return errno_value == ENOSYS || errno_value == EPERM; // EPERM: from a system call filter older than openat2
}

error refusal(int errno_value, const fs::path& path) {
  if (errno_value == ELOOP || errno_value == EXDEV || errno_value == ENOTDIR)
    return {errc::invalid_input, path.native() + " leads through a link that was not there before"};
  return system_error(errno_value, "open " + path.native());
}

} // namespace

result<unique_descriptor> open_beneath(const fs::path& root, const fs::path& path, walk how) {
  if (!is_at_or_below(path, root))
    return error{errc::invalid_input, path.native() + " is not below " + root.native()};
  const auto inside = path.lexically_relative(root);
  const unique_descriptor top{::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!top.is_open())
    return system_error(errno, "open " + root.native());
  int fd = how == walk::by_kernel ? open_by_kernel(top.get(), inside)
                                  : open_by_steps(top.get(), inside.begin(), inside.end());
  if (fd < 0 && how == walk::by_kernel && is_not_known(errno))
    fd = open_by_steps(top.get(), inside.begin(), inside.end());
  const unique_descriptor found{fd};
  struct stat facts {};
  if (!found.is_open() || ::fstat(found.get(), &facts) != 0)
    return refusal(errno, path);
  if (S_ISLNK(facts.st_mode))
    return refusal(ELOOP, path);
  if (!S_ISREG(facts.st_mode))
    return error{errc::invalid_input, path.native() + " is not a regular file"};
  // The same file, even if its name now leads elsewhere.
  auto opened =
      aio::open_patiently(AT_FDCWD, ("/proc/self/fd/" + std::to_string(found.get())).c_str(), O_RDONLY);
  if (!opened.is_open())
    return system_error(errno, "open " + path.native());
  return opened;
}

} // namespace kiln::blends
