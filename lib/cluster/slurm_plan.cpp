// SPDX-License-Identifier: Apache-2.0
// Selects the next tasks to submit.
#include "cluster/slurm_attempt.hpp"
#include "policy/frame_order.hpp"

#include <algorithm>
#include <utility>

namespace kiln::cluster {

std::size_t slurm_attempt::count_live() const {
  std::size_t count = 0;
  for (const auto& [number, of] : arrays_)
    count += of.live.size();
  return count;
}

slurm::pace slurm_attempt::pace() const {
  slurm::pace known{request_.frame_seconds, request_.start_up_seconds};
  if (frame_count_ > 0)
    known.frame_seconds = frame_sum_ / frame_count_;
  if (start_up_count_ > 0)
    known.start_up = start_up_sum_ / start_up_count_;
  return known;
}

slurm::cutting slurm_attempt::rules() const {
  constexpr std::size_t most_pilots = 64;
  return {.target_seconds = settings_.task_seconds,
          .pilot = std::min(most_pilots, settings_.tasks_at_once),
          .most_tasks = most_tasks_,
          .parallel = std::min(parallel_, settings_.tasks_at_once)};
}

/// Submits tasks for unassigned frames before the waiting tasks run out.
aio::task<> slurm_attempt::fill() {
  if ((left_.empty() && alone_.empty()) || aio::clock::now() < try_again_)
    co_return;
  std::size_t waiting = 0;
  for (const auto& [number, of] : arrays_) {
    if (!of.id)
      co_return; // one at a time
    for (const auto& [task, of_task] : of.live)
      waiting += of_task->is_waiting() ? 1 : 0;
  }
  const bool pilots_are_out = !pace().frame_seconds && count_live() >= rules().pilot;
  if (pilots_are_out && alone_.empty())
    co_return; // wait for the times of the first frames
  if (waiting >= settings_.tasks_at_once && alone_.empty())
    co_return;
  auto tasks = next_tasks();
  co_await submit(std::move(tasks));
}

/// In the order in which Slurm starts them.
std::vector<domain::frame_set> slurm_attempt::next_tasks() const {
  const auto known = pace();
  auto how = rules();
  how.pilot -= std::min(how.pilot, count_live());
  if (how.pilot == 0 && !known.frame_seconds)
    how.most_tasks = std::min(how.most_tasks, alone_.size());
  const auto order = request_.spec.order;
  if (order == domain::frame_order::ascending)
    return slurm::cut(left_, alone_, known, how);
  const auto left =
      known.frame_seconds
          ? left_
          : domain::frame_set::of(policy::next_frames(request_.spec.frames, left_, order, how.pilot));
  auto tasks = slurm::cut(left, alone_, known, how);
  const auto all = domain::frame_set::range(0, static_cast<int>(tasks.size()) - 1, 1);
  std::vector<domain::frame_set> in_order;
  if (all)
    for (const int at : policy::next_frames(*all, *all, order, tasks.size()))
      in_order.push_back(std::move(tasks[static_cast<std::size_t>(at)]));
  return in_order;
}

} // namespace kiln::cluster
