// SPDX-License-Identifier: Apache-2.0
#include "image/file_source.hpp"

#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

namespace kiln::image {

result<file_source> file_source::of(int fd) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0)
    return system_error(errno, "look at an image");
  return file_source{fd, static_cast<std::uint64_t>(facts.st_size)};
}

result<void> file_source::read(std::uint64_t offset, std::span<std::byte> into) {
  while (!into.empty()) {
    const auto got = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return system_error(errno, "read an image");
    if (got == 0)
      return error{errc::corrupt, "the file became shorter while it was read"};
    into = into.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

} // namespace kiln::image
