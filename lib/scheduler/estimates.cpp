// SPDX-License-Identifier: Apache-2.0
// When it will be done, and when to ask again.
#include "policy/parallel.hpp"
#include "policy/queue_wait.hpp"
#include "policy/retry_after.hpp"
#include "scheduler/scheduler.hpp"
#include "scheduler/times.hpp"

namespace kiln::scheduler {

double scheduler::chance() {
  return std::uniform_real_distribution<double>{}(random_);
}

policy::progress scheduler::progress_of(const job& of) const {
  const auto now = aio::clock::now();
  policy::progress p;
  p.frames_left = static_cast<int>(of.spec.frames.size() - of.frames_done - of.frames_failed);
  p.elapsed = seconds_between(of.attempt_began, now);
  p.frame_age = seconds_between(of.frame_began, now);
  p.frame_fraction = of.frame_fraction;
  if (of.forecast)
    p.past = of.forecast->at(of.attempt_done);
  return p;
}

double scheduler::guess_seconds(const job& of) const {
  const auto total = static_cast<double>(of.spec.frames.size());
  return of.past_total * (total - static_cast<double>(of.frames_done)) / total;
}

std::optional<double> scheduler::past_frame(const job& of) {
  if (of.past_total <= 0)
    return std::nullopt;
  return std::max(0.0, of.past_total - of.past_loading) / static_cast<double>(of.spec.frames.size());
}

std::optional<policy::estimate> scheduler::time_left(const job& of) const {
  if (of.tasks && running_.contains(of.id))
    return policy::estimate_parallel(of.timing, *of.tasks, past_frame(of));
  return running_.contains(of.id) ? policy::estimate_time_left(of.timing, progress_of(of)) : std::nullopt;
}

int scheduler::retry_after(const job& of) {
  if (running_.contains(of.id) && of.tasks) {
    const auto now = progress_of(of);
    const auto left = time_left(of);
    if (of.state == domain::job_state::queued && of.tasks->starts_in)
      return policy::retry_after_queued(*of.tasks->starts_in, left ? left->likely : 0, chance());
    return policy::retry_after(left, now.frames_left, now.elapsed, chance());
  }
  if (running_.contains(of.id))
    return policy::retry_after(of.timing, progress_of(of), chance());
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
