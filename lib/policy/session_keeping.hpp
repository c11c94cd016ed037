// SPDX-License-Identifier: Apache-2.0
//
// Decides which sessions are kept, and for how long: pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kiln::policy {

struct session_limits {
  std::size_t idle = 2;                         ///< maximum of idle sessions; 0: no sessions
  std::uint64_t idle_memory = 4ULL << 30;       ///< their total memory in bytes
  std::chrono::milliseconds idle_time{300'000}; ///< after which an idle session is ended
  int frames = 500;                             ///< maximum rendered by a session
};

/// Usage of a session.
struct session_wear {
  int frames = 0;                 ///< rendered
  std::uint64_t first_memory = 0; ///< bytes after its first frame; 0 until known
  std::uint64_t memory = 0;       ///< bytes now
};

/// Whether a session should be replaced: it has rendered its maximum, or uses clearly more memory than after
/// its first frame.
[[nodiscard]] bool is_worn_out(const session_wear& wear, const session_limits& limits) noexcept;

/// What an idle session has used at some time.
struct session_look {
  std::uint64_t memory = 0;            ///< bytes in RAM
  std::chrono::duration<double> cpu{}; ///< since it was started
  std::chrono::duration<double> at{};  ///< when that was
};

/// Whether a session that has nothing to do uses the processor or takes more and more memory: its scene has
/// left something running.
[[nodiscard]] bool is_restless(const session_look& before, const session_look& now) noexcept;

/// The number of idle sessions to end, from the front of `memory` (bytes of each, least recently used first).
[[nodiscard]] std::size_t count_to_end(std::span<const std::uint64_t> memory,
                                       const session_limits& limits) noexcept;

} // namespace kiln::policy
