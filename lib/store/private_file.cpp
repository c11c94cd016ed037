// SPDX-License-Identifier: Apache-2.0
#include "store/private_file.hpp"

#include "aio/unique_descriptor.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

namespace kiln::store {

void make_private_file(const std::filesystem::path& file) {
  const aio::unique_descriptor made{
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  if (!made.is_open())
    throw std::filesystem::filesystem_error("make", file, std::error_code{errno, std::system_category()});
}

} // namespace kiln::store
