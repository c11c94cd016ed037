// SPDX-License-Identifier: Apache-2.0
#include "policy/timeline.hpp"

#include "policy/seconds.hpp"

#include <algorithm>

namespace kiln::policy {

void timeline::begin(time_point now, std::optional<forecast> of_earlier_run) {
  *this = {};
  began_ = now;
  forecast_ = std::move(of_earlier_run);
}

void timeline::began_at(time_point when) noexcept {
  began_ = when;
  for (auto& [run, of] : blenders_)
    of.frame_began = when;
}

void timeline::on_begin(int run, afterwards what, time_point now) {
  const bool is_late = done_ > 0 || !blenders_.empty();
  blenders_[run] = {.frame_began = is_late ? now : began_, .is_late = is_late};
  exits_ = what == afterwards::exits;
}

std::optional<double> timeline::on_progress(int run, const domain::frame_progress& said, bool counts,
                                            time_point now) {
  if (!counts)
    return std::nullopt;
  auto& [frame_began, is_late, is_loaded, is_first_frame, frames] = blenders_[run];
  if (frames.empty() || frames.back().frame() != said.frame) {
    constexpr std::size_t most = 8; // frames that verification can lag behind
    std::erase_if(frames, [&](const frame_course& one) { return one.frame() == said.frame; });
    if (frames.size() == most)
      frames.erase(frames.begin());
    frames.emplace_back(said, now);
  }
  std::optional<double> loading;
  if (!is_loaded && !is_late && timing_.frames() == 0 && !timing_.loading()) {
    // The first line of a frame: the scene is loaded. If it comes late, it says since when.
    loading = std::max(0.0, seconds_between(began_, now) - sane_seconds(said.spent.value_or(0)));
    timing_.loaded(*loading);
  }
  if (!is_loaded && is_late)
    frame_began = frames.back().began();
  is_loaded = true;
  show(said);
  frames.back().note(said, now);
  shown_ = std::max(shown_, static_cast<double>(done_) + sum_of_work());
  return loading;
}

void timeline::on_published(int run, int frame, time_point closed, std::optional<double> seconds) {
  auto& of = blenders_[run];
  const double took = seconds.value_or(seconds_between(of.frame_began, closed));
  if (seconds || !of.is_first_frame)
    timing_.frame_rendered(took);
  else if (of.is_late && of.is_loaded)
    timing_.frame_rendered(took);
  else if (!of.is_late && of.is_loaded && timing_.loading())
    timing_.frame_rendered(took - *timing_.loading());
  else if (!of.is_late) // the first frame of a late one includes an unknown loading time
    timing_.frame_done(took);
  of.frame_began = std::max(of.frame_began, closed);
  of.is_first_frame = false;
  ++done_;
  const auto found = std::ranges::find(of.frames, frame, &frame_course::frame);
  if (found != of.frames.end()) {
    found->teach(timing_, closed);
    of.frames.erase(found);
    if (of.frames.empty())
      sample_ = samples_ = 0;
  }
  if (tasks_work_ <= 0) // otherwise the next on_tasks() reports the rest
    shown_ = std::max(shown_, static_cast<double>(done_) + sum_of_work());
}

void timeline::on_end(int run) {
  blenders_.erase(run);
  tasks_work_ = 0;
  shown_ = static_cast<double>(done_) + sum_of_work();
}

/// The frames' seconds exclude the loading of the scene there.
void timeline::on_tasks(const parallel_progress& now) {
  if (now.start_up > 0 && timing_.frames() == 0)
    timing_.loaded(0);
  tasks_work_ = 0;
  for (const auto& task : now.running)
    tasks_work_ += std::clamp(task.fraction, 0.0, 1.0);
  shown_ = std::max(shown_, static_cast<double>(done_) + sum_of_work());
}

void timeline::show(const domain::frame_progress& said) noexcept {
  sample_ = said.sample;
  samples_ = said.samples;
}

double timeline::sum_of_work() const noexcept {
  double sum = tasks_work_;
  for (const auto& [run, of] : blenders_)
    for (const auto& one : of.frames)
      sum += one.fraction();
  return sum;
}

double timeline::frames_in_work() const noexcept {
  return std::max(0.0, shown_ - static_cast<double>(done_));
}

/// When the current frame began: its own first line while the previous one is being verified.
timeline::time_point timeline::blender::current_began() const {
  return frames.size() > 1 ? std::max(frame_began, frames.back().began()) : frame_began;
}

progress timeline::at(time_point now, int frames_left) const {
  progress p{.frames_left = frames_left, .elapsed = seconds_between(began_, now)};
  p.frame_age = p.elapsed;
  auto done = done_;
  if (!blenders_.empty()) {
    const auto& of = blenders_.begin()->second;
    if (of.frames.size() > 1) { // those before the last one are rendered
      const auto rendered = std::min(static_cast<int>(of.frames.size()) - 1, std::max(0, frames_left - 1));
      p.frames_left -= rendered;
      done += static_cast<std::size_t>(rendered);
    }
    const auto began = of.current_began();
    p.frame_age = seconds_between(began, now);
    if (!of.frames.empty())
      p.stated = of.frames.back().stated(began, p.frame_age);
  }
  constexpr double share = 0.15, usual_start = 1; // of the time that the start took; seconds
  if (exits_)
    p.exit = share * timing_.loading().value_or(usual_start);
  if (forecast_)
    p.past = forecast_->at(done);
  return p;
}

/// The factor by which the remaining frames took longer than the done ones in an earlier run.
double timeline::heavier_to_come(std::size_t left) const noexcept {
  if (!forecast_ || done_ == 0 || left == 0)
    return 1;
  const auto past = forecast_->at(done_);
  const double before = past.done / static_cast<double>(done_);
  const double to_come = (past.current + past.after) / static_cast<double>(left);
  constexpr double most = 10;
  return before > 0 ? std::clamp(to_come / before, 1 / most, most) : 1;
}

parallel_progress timeline::shared_at(time_point now, const std::map<int, std::size_t>& frames_left,
                                      std::size_t frames_waiting) const {
  auto all = frames_waiting;
  for (const auto& [run, left] : frames_left)
    all += left;
  const double heavier = heavier_to_come(all);
  parallel_progress p{.frames_waiting = heavier * static_cast<double>(frames_waiting),
                      .slots = blenders_.size(),
                      .start_up = timing_.loading().value_or(0)};
  for (const auto& [run, of] : blenders_) {
    const auto found = frames_left.find(run);
    const auto left = found == frames_left.end() ? 0 : found->second;
    const auto rendered = of.frames.empty() ? 0 : of.frames.size() - 1;
    if (left <= rendered)
      continue; // it waits for frames, or exits
    running_task task{.frames_left = 1 + heavier * static_cast<double>(left - rendered - 1),
                      .is_loaded = of.is_loaded};
    // Loading before a Blender's first frame is not part of the frame.
    const auto began =
        of.is_first_frame && !of.frames.empty() ? of.frames.back().began() : of.current_began();
    task.frame_age = seconds_between(began, now);
    if (!of.frames.empty())
      task.stated = of.frames.back().stated(began, task.frame_age);
    p.running.push_back(task);
  }
  return p;
}

} // namespace kiln::policy
