// SPDX-License-Identifier: Apache-2.0
#include "retry_sim/replay.hpp"

#include "policy/retry_after.hpp"

#include <algorithm>
#include <map>

namespace kiln::retry_sim {
namespace {

constexpr int run = 1;

std::optional<policy::forecast> forecast_of(const recording& of, const std::optional<trace>& past) {
  if (!past)
    return std::nullopt;
  std::map<int, double> seconds;
  std::size_t i = 0;
  for (const int frame : of.frames)
    seconds.emplace(frame, past->frames.at(i++));
  return policy::forecast(of.frames, seconds, 0);
}

} // namespace

replay::replay(const recording& of, const std::optional<trace>& past)
    : of_(of), notes_(facts_, [this](const blender::log_event& event) {
        if (const auto* progress = std::get_if<blender::frame_progress>(&event))
          on_progress(*progress);
      }) {
  timeline_.begin(moment(of.began), forecast_of(of, past));
  using afterwards = policy::timeline::afterwards;
  timeline_.on_begin(run, of.mode == "own" ? afterwards::exits : afterwards::stays, moment(of.began));
}

policy::timeline::time_point replay::moment(double seconds) const {
  using clock = std::chrono::steady_clock;
  return clock::time_point{std::chrono::hours{1}} +
         std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(seconds));
}

void replay::advance_to(double seconds) {
  for (; next_ < of_.events.size() && of_.events[next_].at <= seconds; ++next_) {
    now_ = std::max(now_, of_.events[next_].at);
    take(of_.events[next_]);
  }
  now_ = std::max(now_, seconds);
}

void replay::take(const recorded_event& event) {
  if (const auto* piece = std::get_if<log_piece>(&event.what)) {
    notes_.feed(piece->text);
  } else if (const auto* said = std::get_if<blender::session_event>(&event.what)) {
    if (const auto* begun = std::get_if<blender::session_said::frame_begun>(said))
      on_progress({.frame = begun->frame});
  } else if (const auto* frame = std::get_if<published>(&event.what)) {
    timeline_.on_published(run, frame->frame, moment(frame->closed), {});
    done_.add(frame->frame);
  }
}

void replay::on_progress(const domain::frame_progress& said) {
  const bool counts = of_.frames.contains(said.frame) && !done_.contains(said.frame);
  (void)timeline_.on_progress(run, said, counts, moment(now_));
}

policy::progress replay::standing() const {
  return timeline_.at(moment(now_), static_cast<int>(of_.frames.size() - done_.size()));
}

std::optional<policy::estimate> replay::time_left() const {
  return policy::estimate_time_left(timeline_.timing(), standing());
}

double replay::progress() const {
  const auto done = static_cast<double>(done_.size()) + timeline_.frames_in_work();
  return std::min(1.0, done / static_cast<double>(of_.frames.size()));
}

int replay::retry_after(double random) const {
  return policy::retry_after(timeline_.timing(), standing(), random);
}

} // namespace kiln::retry_sim
