// SPDX-License-Identifier: Apache-2.0
// Reports to the observer while an attempt runs.
#include "cluster/slurm_attempt.hpp"
#include "slurm/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kiln::cluster {

void slurm_attempt::mark_running() {
  if (course_.has_begun())
    return;
  course_.on_begun();
  began_to_run_ = aio::clock::now();
  observer_.on_running(request_.id);
}

void slurm_attempt::tell() {
  const auto now = aio::clock::now();
  policy::parallel_progress standing;
  const slurm::queue_row* waiting = nullptr;
  const slurm_task* first = nullptr;
  auto waiting_frames = left_.size() + alone_.size();
  std::optional<std::chrono::sys_seconds> start;
  for (const auto& [number, of] : arrays_)
    for (const auto& [task, of_task] : of.live) {
      if (of_task->is_running() || (!of_task->row() && !of_task->runs().empty())) {
        if (!of_task->has_ended_by_itself())
          standing.running.push_back(of_task->standing(now));
        if (!first || (of_task->progress() && !first->progress()))
          first = of_task.get();
      } else if (of_task->is_waiting()) {
        ++standing.waiting;
        waiting_frames += of_task->facts().requested.size() - of_task->facts().published.size();
        if (of_task->row()) {
          if (!waiting)
            waiting = &*of_task->row();
          if (of_task->row()->start && (!start || *of_task->row()->start < *start))
            start = of_task->row()->start;
        }
      }
    }
  standing.frames_waiting = static_cast<double>(waiting_frames);
  standing.slots = std::min(parallel_, settings_.tasks_at_once);
  standing.start_up = pace().start_up;
  if (start)
    standing.starts_in = std::chrono::duration<double>(*start - std::chrono::system_clock::now()).count();
  const bool none_runs = standing.running.empty();
  if (!trouble_.empty())
    observer_.on_waiting(request_.id, trouble_);
  else if (!queue_.trouble.empty())
    observer_.on_waiting(request_.id, queue_.trouble);
  else if (none_runs && waiting)
    observer_.on_waiting(request_.id, fmt::format("Slurm job {}: {}", waiting->array,
                                                  slurm::describe_reason(waiting->reason)));
  observer_.on_tasks(request_.id, std::move(standing));
  if (first && first->progress())
    observer_.on_progress(request_.id, *first->progress());
}

} // namespace kiln::cluster
