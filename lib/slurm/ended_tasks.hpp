// SPDX-License-Identifier: Apache-2.0
//
// Tasks that have ended according to their own record, until Slurm shows it too: a slurmctld that was killed
// may have forgotten the end and keep their nodes allocated.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kiln::slurm {

/// The id of its array, and its number within the array.
using task_id = std::pair<std::uint64_t, int>;

class ended_tasks {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// `looks`: number of polls of the queue so far. The next poll may have begun before the task ended.
  void add(task_id task, std::uint64_t looks, time_point now);

  /// After a poll that found `running`: the tasks that Slurm still shows `lag` after their end, as arguments
  /// of scancel. They are returned again after another `lag`.
  [[nodiscard]] std::vector<std::string> still_shown(const std::set<task_id>& running, std::uint64_t looks,
                                                     time_point now, time_point::duration lag);

  [[nodiscard]] bool empty() const noexcept { return tasks_.empty(); }

private:
  struct end {
    time_point since;
    std::uint64_t look; ///< the last poll that may precede the end
  };
  std::map<task_id, end> tasks_;
};

} // namespace kiln::slurm
