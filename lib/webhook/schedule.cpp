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
  const auto wanted = std::clamp<wait>(asked.value_or(std::chrono::seconds{0}), wait{0}, longest_asked);
  return std::max(spread_out, wanted);
}

} // namespace kiln::webhook
