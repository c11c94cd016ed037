// SPDX-License-Identifier: Apache-2.0
// Estimates of remaining time and of Retry-After.
#include "policy/parallel.hpp"
#include "policy/queue_wait.hpp"
#include "policy/retry_after.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/times.hpp"

namespace kiln::scheduler {
namespace {

policy::progress progress_of(const job& of) {
  const auto left = of.spec.frames.size() - of.frames_done - of.frames_failed;
  return of.timeline.at(aio::clock::now(), static_cast<int>(left));
}

policy::parallel_progress shared_progress_of(const job& of) {
  std::map<int, std::size_t> left;
  for (const auto& [number, one] : of.runs)
    left[number] = one.record.frames.without(of.done).without(of.failed).size();
  return of.timeline.shared_at(aio::clock::now(), left, of.unassigned().size());
}

double guess_seconds(const job& of) {
  const auto total = static_cast<double>(of.spec.frames.size());
  return of.past_total * (total - static_cast<double>(of.frames_done)) / total;
}

} // namespace

double scheduler::chance() {
  return std::uniform_real_distribution<double>{}(random_);
}

std::optional<policy::estimate> scheduler::time_left(const job& of) const {
  if (!running_.contains(of.id))
    return std::nullopt;
  const auto& timing = of.timeline.timing();
  if (of.tasks)
    return policy::estimate_parallel(timing, *of.tasks, of.past_frame());
  if (of.runs.size() > 1)
    return policy::estimate_parallel(timing, shared_progress_of(of), of.past_frame());
  return policy::estimate_time_left(timing, progress_of(of));
}

int scheduler::retry_after(const job& of) {
  return running_.contains(of.id) ? retry_after_of_running(of) : retry_after_of_waiting(of);
}

/// Computing it takes longer than the rest of a status request: requests at the same moment get the same
/// answer.
int scheduler::retry_after_of_running(const job& of) {
  constexpr std::chrono::milliseconds same_moment{20};
  const auto asked = aio::clock::now();
  auto& [at, frames_done, seconds] = of.told;
  if (seconds > 0 && asked - at < same_moment && frames_done == of.frames_done)
    return seconds;
  at = asked;
  frames_done = of.frames_done;
  const auto now = progress_of(of);
  const auto left = time_left(of);
  if (of.tasks && of.state == domain::job_state::queued && of.tasks->starts_in)
    seconds = policy::retry_after_queued(*of.tasks->starts_in, left ? left->likely : 0, chance());
  else
    seconds = policy::retry_after(left, now.frames_left, now.elapsed, chance());
  return seconds;
}

int scheduler::retry_after_of_waiting(const job& of) {
  std::vector<double> running;
  for (const auto& [id, other] : running_) {
    const auto left = time_left(*other);
    running.insert(running.end(), other->slots, left ? left->likely : guess_seconds(*other));
  }
  std::vector<double> ahead;
  for (const auto& [key, other] : queue_) {
    if (other->id == of.id)
      break;
    ahead.push_back(guess_seconds(*other));
  }
  const auto wait = policy::queue_wait(running, ahead, settings_.capacity.slots);
  return policy::retry_after_queued(wait, guess_seconds(of), chance());
}

int scheduler::retry_after_refusal() {
  constexpr double least = 5; // seconds
  return policy::overload_retry_after(least, chance());
}

} // namespace kiln::scheduler
