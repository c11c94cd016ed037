// SPDX-License-Identifier: Apache-2.0
#include "policy/frame_order.hpp"

#include <utility>

namespace kiln::policy {
namespace {

/// Calls visit(position) for 0 to count-1: the first, the last, the middle, the middles of what is between,
/// until it returns false.
template<class Visit>
void visit_spread(std::size_t count, Visit visit) {
  if (count == 0 || !visit(0) || count == 1 || !visit(count - 1))
    return;
  // Level by level, so that no level has to be remembered: gaps of equal halves, cut at whole positions.
  const auto last = count - 1;
  for (std::size_t parts = 2; parts / 2 < last; parts *= 2)
    for (std::size_t i = 1; i < parts; i += 2) {
      const auto at = last * i / parts;
      // Small gaps are cut at a bound of theirs: at a position that an earlier level has visited.
      if (at == last * (i - 1) / parts || at == last * (i + 1) / parts)
        continue;
      if (!visit(at))
        return;
    }
}

} // namespace

std::vector<int> next_frames(const domain::frame_set& all, const domain::frame_set& left,
                             domain::frame_order order, std::size_t most) {
  std::vector<int> chosen;
  const auto take = [&](int frame) {
    if (chosen.size() < most && left.contains(frame))
      chosen.push_back(frame);
    return chosen.size() < most;
  };
  if (order == domain::frame_order::ascending) {
    for (const int frame : left)
      if (!take(frame))
        break;
    return chosen;
  }
  const std::vector<int> frames{all.begin(), all.end()};
  visit_spread(frames.size(), [&](std::size_t at) { return take(frames[at]); });
  return chosen;
}

} // namespace kiln::policy
