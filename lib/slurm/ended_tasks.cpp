// SPDX-License-Identifier: Apache-2.0
#include "slurm/ended_tasks.hpp"

#include <fmt/format.h>

namespace kiln::slurm {

void ended_tasks::add(task_id task, std::uint64_t looks, time_point now) {
  tasks_.emplace(task, end{.since = now, .look = looks + 1});
}

std::vector<std::string> ended_tasks::still_shown(const std::set<task_id>& running, std::uint64_t looks,
                                                  time_point now, time_point::duration lag) {
  std::erase_if(tasks_, [&running, looks](const auto& known) {
    return looks > known.second.look && !running.contains(known.first);
  });
  std::vector<std::string> named;
  for (auto& [task, ended] : tasks_)
    if (looks > ended.look && now - ended.since >= lag) {
      ended.since = now;
      named.push_back(fmt::format("{}_{}", task.first, task.second));
    }
  return named;
}

} // namespace kiln::slurm
