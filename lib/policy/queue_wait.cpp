// SPDX-License-Identifier: Apache-2.0
#include "policy/queue_wait.hpp"

#include "policy/seconds.hpp"

#include <algorithm>
#include <functional>
#include <queue>
#include <vector>

namespace kiln::policy {

double queue_wait(std::span<const double> running, std::span<const double> waiting, std::size_t slots) {
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at; // of each slot
  for (const double left : running)
    free_at.push(sane_seconds(left));
  while (free_at.size() < std::max<std::size_t>(slots, 1))
    free_at.push(0);
  for (const double takes : waiting) {
    const double begins = free_at.top();
    free_at.pop();
    free_at.push(sane_seconds(begins + sane_seconds(takes)));
  }
  return free_at.top();
}

} // namespace kiln::policy
