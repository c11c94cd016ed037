// SPDX-License-Identifier: Apache-2.0
//
// Tasks that have ended by their own record, until Slurm shows it as well: a slurmctld that was killed may
// have forgotten it, and keeps their nodes for them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kiln::slurm {

/// Id of its array, and its number in there.
using task_id = std::pair<std::uint64_t, int>;

class ended_tasks {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// `looks`: how often the queue has been read. The next look may have begun before the task ended.
  void add(task_id task, std::uint64_t looks, time_point now);

  /// After a look that found `running`: those that Slurm still shows `lag` after their end, as scancel wants
  /// them. They are named again after another `lag`.
  [[nodiscard]] std::vector<std::string> still_shown(const std::set<task_id>& running, std::uint64_t looks,
                                                     time_point now, time_point::duration lag);

  [[nodiscard]] bool empty() const noexcept { return tasks_.empty(); }

private:
  struct end {
    time_point since;
    std::uint64_t look; ///< the last one that may be older than the end
  };
  std::map<task_id, end> tasks_;
};

} // namespace kiln::slurm
