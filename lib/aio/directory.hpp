// SPDX-License-Identifier: Apache-2.0
//
// Calls on directories that block: for the pool.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <limits>

namespace kiln::aio {

/// fsync(2): files created in, renamed in or removed from the directory stay so after a loss of power.
result<void> sync_directory(const std::filesystem::path& directory);

/// Bytes available to this user on the file system of `path`, or `if_unknown`.
[[nodiscard]] std::uintmax_t
free_bytes(const std::filesystem::path& path,
           std::uintmax_t if_unknown = std::numeric_limits<std::uintmax_t>::max()) noexcept;

} // namespace kiln::aio
