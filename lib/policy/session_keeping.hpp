// SPDX-License-Identifier: Apache-2.0
//
// Which of the Blenders that stay are kept, and for how long: pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kiln::policy {

struct session_limits {
  std::size_t idle = 2;                         ///< that wait for work, at most; 0: there are no sessions
  std::uint64_t idle_memory = 4ULL << 30;       ///< bytes that those hold, in all
  std::chrono::milliseconds idle_time{300'000}; ///< after which one is ended
  int frames = 500;                             ///< that one renders in its life
};

/// What a session has been through.
struct session_wear {
  int frames = 0;                 ///< rendered
  std::uint64_t first_memory = 0; ///< bytes after its first frame; 0 while that is not known
  std::uint64_t memory = 0;       ///< bytes now
};

/// Whether it has rendered enough, or holds clearly more memory than it did after its first frame.
[[nodiscard]] bool is_worn_out(const session_wear& wear, const session_limits& limits) noexcept;

/// How many of the idle sessions have to go, the first ones of `memory` (bytes of each), which has the one
/// first whose last use is the longest ago.
[[nodiscard]] std::size_t count_to_end(std::span<const std::uint64_t> memory,
                                       const session_limits& limits) noexcept;

} // namespace kiln::policy
