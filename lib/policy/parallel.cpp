// SPDX-License-Identifier: Apache-2.0
#include "policy/parallel.hpp"

#include "policy/seconds.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kiln::policy {
namespace {

/// The mean time of a frame, and the relative variation between frames.
struct frame_guess {
  double mean = 0;
  double cv = 0;
};

/// From Blender's statements on the current frames.
std::optional<frame_guess> guess_by_statements(const frame_timing& timing, const parallel_progress& now) {
  double sum = 0, count = 0, variance = 0;
  for (const auto& task : now.running)
    if (task.stated) {
      const auto length = frame_length::by(*task.stated, 0, timing);
      sum += sane_seconds(length.mean());
      variance += square(length.sigma);
      ++count;
    }
  if (count < 1)
    return std::nullopt;
  return frame_guess{std::max(sum / count, shortest), std::sqrt(variance) / count};
}

std::optional<frame_guess> guess(const frame_timing& timing, const parallel_progress& now,
                                 std::optional<double> past) {
  constexpr double usual_cv = 0.45, usual_weight = 2; // believed until frames say otherwise
  const auto stated = guess_by_statements(timing, now);
  if (timing.measured() == 0) {
    if (past)
      return frame_guess{sane_seconds(*past), usual_cv};
    if (stated)
      return frame_guess{stated->mean, usual_cv};
    return std::nullopt;
  }
  const double mean = std::max((timing.mean() + timing.recent()) / 2, shortest);
  const auto count = timing.remembered();
  double squares = 0;
  for (std::size_t i = 0; i < count; ++i)
    squares += square(timing.remembered(i) - timing.mean());
  const auto size = static_cast<double>(count);
  const double cv =
      std::sqrt((squares / square(mean) + usual_weight * square(usual_cv)) / (size + usual_weight));
  frame_guess frame{mean, cv};
  // Current frames count by half, as far as they are known.
  if (stated)
    frame.mean += 0.5 * std::max(0.0, 1 - square(stated->cv / cv)) * (stated->mean - mean);
  return frame;
}

/// The remaining time of a task: its current frame and those after it.
estimate left_of(const running_task& task, const frame_guess& frame, double start_up,
                 const frame_timing& timing) {
  const double age = sane_seconds(task.frame_age);
  auto length = frame_length::of((task.is_loaded ? 0 : start_up) + frame.mean, frame.cv);
  if (task.stated)
    length = combine(length, frame_length::by(*task.stated, 0, timing), age);
  const auto current = rest_of_frame(length, age);
  const double more = std::max(sane_seconds(task.frames_left) - 1, 0.0);
  return {sane_seconds(current.likely + more * frame.mean),
          sane_seconds(std::hypot(current.spread, frame.cv * frame.mean * std::sqrt(more)))};
}

/// The later of two independent ends (Clark 1961).
estimate later_of(const estimate& a, const estimate& b) {
  const double apart = std::max(std::hypot(a.spread, b.spread), shortest);
  const double z = (a.likely - b.likely) / apart;
  const double of_a = std::erfc(-z / std::numbers::sqrt2) / 2, of_b = 1 - of_a;
  const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
  const double mean = a.likely * of_a + b.likely * of_b + apart * density;
  const double second = (square(a.likely) + square(a.spread)) * of_a +
                        (square(b.likely) + square(b.spread)) * of_b +
                        (a.likely + b.likely) * apart * density;
  return {mean, std::sqrt(std::max(0.0, second - square(mean)))};
}

} // namespace

std::optional<estimate> estimate_parallel(const frame_timing& timing, const parallel_progress& now,
                                          std::optional<double> past_frame) {
  const auto frame = guess(timing, now, past_frame);
  if (!frame)
    return std::nullopt;
  const double start_up = sane_seconds(now.start_up);
  double sum = 0;
  estimate last; // of the tasks that run
  for (const auto& task : now.running) {
    const auto left = left_of(task, *frame, start_up, timing);
    sum += left.likely;
    last = last.likely > 0 ? later_of(last, left) : left;
  }
  const double waiting = sane_seconds(now.frames_waiting);
  const auto tasks_waiting = static_cast<double>(now.waiting);
  // Relative error common to all of them.
  constexpr double common = 0.15;
  if (waiting <= 0 && !now.running.empty())
    return estimate{sane_seconds(last.likely), sane_seconds(std::hypot(last.spread, common * last.likely))};

  double slots = static_cast<double>(std::max<std::size_t>(now.running.size(), 1));
  if (now.running.empty() && now.slots > 0)
    slots = static_cast<double>(std::min<std::size_t>(now.slots, std::max<std::size_t>(now.waiting, 1)));
  const double work = waiting * frame->mean + tasks_waiting * start_up;
  const double each = tasks_waiting > 0 ? work / tasks_waiting : frame->mean;
  // Tasks end one by one: at the end, idle nodes wait for half of the duration of the last ones.
  const double tail = (1 - 1 / slots) * each / 2;
  const double before = now.running.empty() ? sane_seconds(now.starts_in.value_or(0)) : 0;
  const double shared = (sum + work) / slots + tail;
  // The excess of the slowest task over the mean grows with their number.
  const double extreme = std::sqrt(2 * std::log(slots));
  const double frames_of_last = tasks_waiting > 0 ? std::max(waiting / tasks_waiting, 1.0) : 1.0;
  const double straggler = frame->cv * frame->mean * std::sqrt(frames_of_last) * extreme;
  const double likely = before + std::max(shared + straggler / 2, last.likely);
  const double spread = std::hypot(0.65 * frame->cv * frame->mean * std::sqrt(frames_of_last) + straggler / 2,
                                   common * (shared + before), now.running.empty() ? 0.5 * before : 0.0);
  return estimate{sane_seconds(likely), sane_seconds(spread)};
}

} // namespace kiln::policy
