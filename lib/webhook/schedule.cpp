// SPDX-License-Identifier: Apache-2.0
#include "webhook/schedule.hpp"

#include <algorithm>

namespace kiln::webhook {

std::optional<wait> next_wait(std::span<const wait> schedule, int failed, double chance,
                              std::optional<std::chrono::seconds> asked) {
  constexpr double least = 0.8, spread = 0.4;
  if (failed < 1 || static_cast<std::size_t>(failed) > schedule.size())
    return std::nullopt;
  const auto usual = schedule[static_cast<std::size_t>(failed) - 1];
  const auto spread_out = std::chrono::duration_cast<wait>(usual * (least + spread * chance));
  // In seconds, because a receiver can ask for more than fits in milliseconds.
  const auto wanted = std::clamp<std::chrono::seconds>(asked.value_or(std::chrono::seconds{0}),
                                                       std::chrono::seconds{0}, longest_asked);
  return std::max<wait>(spread_out, wanted);
}

} // namespace kiln::webhook
