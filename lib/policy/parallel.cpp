// SPDX-License-Identifier: Apache-2.0
#include "policy/parallel.hpp"

#include "policy/seconds.hpp"

#include <algorithm>
#include <cmath>

namespace kiln::policy {
namespace {

/// What a frame takes, and how much frames differ, relative to that.
struct frame_guess {
  double mean = 0;
  double cv = 0;
};

std::optional<frame_guess> guess(const frame_timing& timing, std::optional<double> past) {
  constexpr double usual_cv = 0.45, usual_weight = 2; // believed until frames say otherwise
  if (timing.measured() == 0) {
    if (!past)
      return std::nullopt;
    return frame_guess{sane_seconds(*past), usual_cv};
  }
  const double mean = std::max((timing.mean() + timing.recent()) / 2, 1e-6);
  const auto count = timing.remembered();
  double squares = 0;
  for (std::size_t i = 0; i < count; ++i)
    squares += (timing.remembered(i) - timing.mean()) * (timing.remembered(i) - timing.mean());
  const auto size = static_cast<double>(count);
  const double variance =
      (squares / (mean * mean) + usual_weight * usual_cv * usual_cv) / (size + usual_weight);
  return frame_guess{mean, std::sqrt(variance)};
}

double left_of(const running_task& task, const frame_guess& frame, double start_up) {
  const double usual = (task.is_loaded ? 0 : start_up) + frame.mean;
  const double age = sane_seconds(task.frame_age);
  // One that is late stays late: the longer it lasts, the longer it will.
  const double current = age < usual ? usual - age : (age - usual) / 2;
  return current + std::max(sane_seconds(task.frames_left) - 1, 0.0) * frame.mean;
}

} // namespace

std::optional<estimate> estimate_parallel(const frame_timing& timing, const parallel_progress& now,
                                          std::optional<double> past_frame) {
  const auto frame = guess(timing, past_frame);
  if (!frame)
    return std::nullopt;
  const double start_up = sane_seconds(now.start_up);
  double sum = 0, longest = 0, frames_of_longest = 1;
  for (const auto& task : now.running) {
    const double left = left_of(task, *frame, start_up);
    sum += left;
    if (left > longest) {
      longest = left;
      frames_of_longest = std::max(sane_seconds(task.frames_left), 1.0);
    }
  }
  const double waiting = sane_seconds(now.frames_waiting);
  const auto tasks_waiting = static_cast<double>(now.waiting);
  double slots = static_cast<double>(std::max<std::size_t>(now.running.size(), 1));
  if (now.running.empty() && now.slots > 0)
    slots = static_cast<double>(std::min<std::size_t>(now.slots, std::max<std::size_t>(now.waiting, 1)));
  const double work = waiting * frame->mean + tasks_waiting * start_up;
  const double each = tasks_waiting > 0 ? work / tasks_waiting : frame->mean;
  // Tasks end one by one: at the end half of the last ones is waited for by nodes that have nothing left.
  const double tail = work > 0 ? (1 - 1 / slots) * each / 2 : 0;
  const double before = now.running.empty() ? sane_seconds(now.starts_in.value_or(0)) : 0;
  const double shared = (sum + work) / slots + tail;
  // The slowest of many: by how much it exceeds the mean grows with their number.
  const double extreme = std::sqrt(2 * std::log(std::max(slots, 1.0)));
  const double frames_of_last =
      work > 0 && tasks_waiting > 0 ? std::max(waiting / tasks_waiting, 1.0) : frames_of_longest;
  const double straggler = frame->cv * frame->mean * std::sqrt(frames_of_last) * extreme;
  const double likely = before + std::max(shared, longest) + straggler / 2;
  const double spread = std::hypot(0.65 * frame->cv * frame->mean * std::sqrt(frames_of_last) + straggler / 2,
                                   0.15 * (shared + before), now.running.empty() ? 0.5 * before : 0.0);
  return estimate{likely, spread};
}

} // namespace kiln::policy
