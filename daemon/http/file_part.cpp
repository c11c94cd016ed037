// SPDX-License-Identifier: Apache-2.0
#include "http/file_part.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/uio.h>

namespace kiln::http {
namespace {

constexpr std::uint64_t probe_distance = 32 * 1024;
constexpr off_t read_ahead = 1 << 20;

ssize_t read_at(int file, char* to, std::size_t size, std::uint64_t offset, int flags) noexcept {
  const iovec into{.iov_base = to, .iov_len = size};
  return ::preadv2(file, &into, 1, static_cast<off_t>(offset), flags);
}

file_part made_of(std::vector<char> bytes, ssize_t got) {
  if (got > 0) {
    bytes.resize(static_cast<std::size_t>(got));
    return {std::move(bytes), {}};
  }
  if (got == 0)
    return {{}, boost::asio::error::eof};
  return {{}, {errno, boost::system::system_category()}};
}

} // namespace

bool is_in_memory(int file, std::uint64_t offset, std::size_t size) noexcept {
  char byte = 0;
  for (std::uint64_t at = 0; at < size; at += probe_distance)
    if (read_at(file, &byte, 1, offset + at, RWF_NOWAIT) < 0)
      return false;
  return true;
}

std::optional<file_part> read_from_memory(int file, std::uint64_t offset, std::size_t size) {
  std::vector<char> bytes(size);
  const auto got = read_at(file, bytes.data(), size, offset, RWF_NOWAIT);
  if (got < 0)
    return std::nullopt;
  return made_of(std::move(bytes), got);
}

file_part read_from_disk(int file, std::uint64_t offset, std::size_t size) {
  std::vector<char> bytes(size);
  const auto got = read_at(file, bytes.data(), size, offset, 0);
  auto part = made_of(std::move(bytes), got);
  if (got > 0)
    ::posix_fadvise(file, static_cast<off_t>(offset) + got, read_ahead, POSIX_FADV_WILLNEED);
  return part;
}

} // namespace kiln::http
