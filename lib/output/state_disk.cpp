// SPDX-License-Identifier: Apache-2.0
#include "output/state_disk.hpp"

#include "aio/unique_descriptor.hpp"

#include <algorithm>
#include <cstdint>

#include <fcntl.h>
#include <sys/statvfs.h>

namespace kiln::output {

bool is_low_on_disk(int file) noexcept {
  constexpr std::uint64_t most = 8 << 20, share = 8;
  struct statvfs disk {};
  if (::fstatvfs(file, &disk) != 0)
    return false;
  const std::uint64_t block = disk.f_frsize;
  return disk.f_bavail * block < std::min(most, disk.f_blocks * block / share);
}

std::optional<std::string> lack_of_state_disk(const std::filesystem::path& state) {
  const aio::unique_descriptor directory{::open(state.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory.is_open() || !is_low_on_disk(directory.get()))
    return std::nullopt;
  return "the disk of " + state.native() + " (state) is nearly full: make room there, or remove jobs";
}

} // namespace kiln::output
