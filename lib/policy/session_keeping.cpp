// SPDX-License-Identifier: Apache-2.0
#include "policy/session_keeping.hpp"

#include <numeric>

namespace kiln::policy {

bool is_worn_out(const session_wear& wear, const session_limits& limits) noexcept {
  // Frames differ, and Blender's caches for later frames grow for a while.
  constexpr std::uint64_t slack = 512ULL << 20;
  if (wear.frames >= limits.frames)
    return true;
  return wear.first_memory > 0 && wear.memory > wear.first_memory + wear.first_memory / 2 + slack;
}

bool is_restless(const session_look& before, const session_look& now) noexcept {
  constexpr double most_of_a_core = 0.05; // a Blender that waits uses none; on a busy machine one gets little
  constexpr std::uint64_t slack = 128ULL << 20;
  return now.cpu - before.cpu > (now.at - before.at) * most_of_a_core ||
         now.memory > before.memory + before.memory / 4 + slack;
}

std::size_t count_to_end(std::span<const std::uint64_t> memory, const session_limits& limits) noexcept {
  auto held = std::accumulate(memory.begin(), memory.end(), std::uint64_t{0});
  std::size_t count = 0;
  while (count < memory.size() && (memory.size() - count > limits.idle || held > limits.idle_memory))
    held -= memory[count++];
  return count;
}

} // namespace kiln::policy
