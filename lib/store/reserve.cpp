// SPDX-License-Identifier: Apache-2.0
#include "store/reserve.hpp"

#include "aio/unique_descriptor.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace kiln::store {

void reserve::keep() noexcept {
  constexpr std::uint64_t most = 1 << 20, share = 16, room_for_others = 4;
  if (is_kept_)
    return;
  struct statvfs disk {};
  if (::statvfs(file_.parent_path().c_str(), &disk) != 0)
    return;
  const std::uint64_t block = disk.f_frsize;
  const auto size = std::min(most, disk.f_blocks * block / share);
  ::unlink(file_.c_str());
  if (disk.f_bavail * block < size * room_for_others)
    return;
  const aio::unique_descriptor made{
      ::open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  is_kept_ = made.is_open() && ::fallocate(made.get(), 0, 0, static_cast<off_t>(size)) == 0;
  if (made.is_open() && !is_kept_)
    ::unlink(file_.c_str());
}

bool reserve::give() noexcept {
  if (!is_kept_)
    return false;
  is_kept_ = false;
  return ::unlink(file_.c_str()) == 0;
}

} // namespace kiln::store
