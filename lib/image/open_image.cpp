// SPDX-License-Identifier: Apache-2.0
#include "image/open_image.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

namespace kiln::image {

result<aio::unique_descriptor> open_image(const std::filesystem::path& file) {
  aio::unique_descriptor opened{::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat facts {};
  if (!opened.is_open() || ::fstat(opened.get(), &facts) != 0)
    return system_error(errno, "open " + file.native());
  if (!S_ISREG(facts.st_mode))
    return error{errc::corrupt, "not a file"};
  return opened;
}

} // namespace kiln::image
