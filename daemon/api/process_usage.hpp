// SPDX-License-Identifier: Apache-2.0
//
// Resources used by this process (proc(5)).
#pragma once

#include <cstdint>
#include <optional>

namespace kiln::api {

struct process_usage {
  double cpu_seconds = 0;         ///< user and system
  double started = 0;             ///< seconds since 1970
  std::uint64_t resident = 0;     ///< bytes
  std::uint64_t virtual_size = 0; ///< bytes
  std::uint64_t open_descriptors = 0;
  std::uint64_t max_descriptors = 0;
};

/// Nullopt without /proc. Reads files of the kernel: for a pool.
[[nodiscard]] std::optional<process_usage> read_process_usage();

} // namespace kiln::api
