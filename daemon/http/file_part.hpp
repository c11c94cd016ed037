// SPDX-License-Identifier: Apache-2.0
//
// Parts of files to be sent: whether they are in memory, and reading them if they are not. A disk or a file
// server can take any time to answer.
#pragma once

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace kiln::http {

struct file_part {
  std::vector<char> bytes;      ///< possibly fewer than requested
  boost::system::error_code ec; ///< the reason why there are none; eof: the file is shorter
};

/// Whether a part of a file can be sent without reading its disk: checks one byte of each 32 KiB, since the
/// kernel reads ahead in larger pieces. Does not block. Also false on file systems without support, such as
/// network file systems (RWF_NOWAIT, preadv2(2)).
[[nodiscard]] bool is_in_memory(int file, std::uint64_t offset, std::size_t size) noexcept;

/// At most `size` bytes that are in memory, without blocking; empty if none of them are.
[[nodiscard]] std::optional<file_part> read_from_memory(int file, std::uint64_t offset, std::size_t size);

/// At most `size` bytes. Blocks; also requests read-ahead of the bytes after them.
[[nodiscard]] file_part read_from_disk(int file, std::uint64_t offset, std::size_t size);

} // namespace kiln::http
