// SPDX-License-Identifier: Apache-2.0
#include "aio/directory.hpp"

#include "aio/unique_descriptor.hpp"

#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace kiln::aio {

result<void> sync_directory(const std::filesystem::path& directory) {
  const unique_descriptor opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened.is_open() || ::fsync(opened.get()) != 0)
    return last_error("sync", directory);
  return {};
}

std::uintmax_t free_bytes(const std::filesystem::path& path, std::uintmax_t if_unknown) noexcept {
  std::error_code ec;
  const auto space = std::filesystem::space(path, ec);
  return ec ? if_unknown : space.available;
}

} // namespace kiln::aio
