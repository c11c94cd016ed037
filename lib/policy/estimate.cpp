// SPDX-License-Identifier: Apache-2.0
//
// The constants were tuned on half of the traces in tests/benchmark/traces and checked on the rest
// (docs/policy.md); the result is flat around them.
#include "policy/estimate.hpp"

#include "policy/seconds.hpp"

#include <algorithm>
#include <climits>
#include <cmath>

namespace kiln::policy {
namespace {

constexpr double shortest = 1e-6; // keeps divisions and logarithms defined

double square(double x) {
  return x * x;
}

/// What the frames to come will take each, as the finished ones suggest.
struct frame_model {
  double mean = 0;     ///< of the frames to come
  double now = 0;      ///< of the next one
  double cv = 0;       ///< how much single frames differ, relative to `now`
  double disagree = 0; ///< half the distance between the estimates of `mean`
};

/// A line through the remembered frames: its height in their middle, its slope a frame, the scatter.
struct line {
  double height = 0, slope = 0, squares = 0;

  explicit line(const frame_timing& timing) {
    const auto count = timing.remembered();
    const auto size = static_cast<double>(count);
    for (std::size_t i = 0; i < count; ++i)
      height += timing.remembered(i) / size;
    double base = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const double x = static_cast<double>(i) - (size - 1) / 2;
      squares += square(timing.remembered(i) - height);
      slope += x * timing.remembered(i);
      base += x * x;
    }
    if (count < 3) { // two frames are no trend
      slope = 0;
      return;
    }
    slope /= base;
    // A slope that is not clearly more than chance counts for little.
    const double chance = std::max(0.0, squares - slope * slope * base) / (size - 2) / base;
    slope *= slope * slope / (slope * slope + 4 * chance + 1e-12);
  }
};

frame_model model_of(const frame_timing& timing, double left) {
  const double recent = std::max(timing.recent(), shortest);
  const line fit(timing);
  const auto size = static_cast<double>(timing.remembered());
  // The mean over the frames to come when the line goes on, within reason.
  const double trend = std::clamp(fit.height + fit.slope * (size + left) / 2, 0.4 * recent, 2.5 * recent);
  const auto [least, most] = std::minmax({timing.mean(), fit.height, recent, trend});

  constexpr double usual_cv = 0.45, usual_weight = 2; // believed until frames say otherwise
  const double variance =
      (fit.squares / square(std::max(fit.height, shortest)) + usual_weight * square(usual_cv)) /
      (size - 1 + usual_weight);
  return {.mean = 0.6 * recent + 0.4 * trend,
          .now = recent,
          .cv = std::sqrt(variance),
          .disagree = (most - least) / 2};
}

/// One frame is known, or a part of it; how much of it was loading, nobody knows.
frame_model model_of_first(double seconds) {
  const double mean = std::max(0.4 * seconds, shortest);
  return {.mean = mean, .now = mean, .cv = 0.8, .disagree = 0};
}

/// The same when the time of loading is known and taken off.
frame_model model_of_loaded(double seconds) {
  const double mean = std::max(seconds, shortest);
  return {.mean = mean, .now = mean, .cv = 0.4, .disagree = 0};
}

/// What is left of a frame that usually takes `usual`, give or take cv.
estimate rest_of_frame(double age, double usual, double cv) {
  if (age > usual * (1 + 3 * cv)) { // late: the longer it lasts, the longer it will
    const double rest = 0.7 * (age - usual);
    return {rest, rest};
  }
  return {age < usual ? usual - age : (age - usual) / 2, cv * usual};
}

/// Samples say how far the frame is; they come in steps.
estimate rest_by_fraction(double age, double fraction) {
  const double whole = age / fraction;
  return {whole - age, 0.05 * (whole - age) + 0.015 * whole};
}

estimate by_model(const frame_model& frames, const estimate& current, double left, double seen) {
  const double more = left - 1;
  const double chance =
      0.65 * frames.cv * frames.now * std::sqrt(more * (1 + more / std::clamp(seen - 1, 1.0, 9.0)));
  const double method = 0.3 * frames.disagree * left;
  // Later frames may be of another nature, however alike the first ones are.
  const double surprise = 0.25 * frames.mean * more * std::sqrt(more / (more + seen));
  return {more * frames.mean + current.likely,
          std::hypot(std::hypot(chance, method), std::hypot(surprise, current.spread))};
}

/// What an earlier run suggests, and from 0 to 1 how far to believe it.
struct opinion {
  estimate left;
  double trust = 1;
};

/// The earlier run, scaled by how fast this one has been so far. One that took quite other times for the
/// frames that are done was perhaps of another machine or scene.
opinion by_history(const history& past, double done, double frames_done, double left, double age,
                   const std::optional<estimate>& sampled) {
  constexpr double run_spread = 0.2,
                   frame_spread = 0.12; // relative: one run to another, one frame to another
  double scale = 1, variance = square(run_spread), trust = 1;
  if (const double before = sane_seconds(past.done); before > 0 && frames_done > 0) {
    const double noise = square(frame_spread) / frames_done;
    const double faster = std::log(std::max(done, shortest) / std::max(before, shortest));
    scale = std::exp(faster * variance / (variance + noise));
    variance *= noise / (variance + noise);
    trust = std::clamp(2 - std::abs(faster) / 0.7, 0.0, 1.0);
  }
  const auto current =
      sampled ? *sampled : rest_of_frame(age, sane_seconds(past.current) * scale, frame_spread);
  const double rest = sane_seconds(past.after) * scale;
  return {{rest + current.likely,
           std::hypot(rest * std::sqrt(variance + square(frame_spread) / left), current.spread)},
          trust};
}

/// Two opinions, the surer one weighs more. Where they contradict each other, the earlier run is right while
/// it is trusted: it knows of frames that are yet to come.
estimate combine(estimate own, const opinion& earlier) {
  auto past = earlier.left;
  const double gap =
      std::max(0.0, std::abs(own.likely - past.likely) - 2 * std::hypot(own.spread, past.spread));
  own.spread = std::hypot(own.spread, earlier.trust * gap);
  past.spread = std::hypot(past.spread, (1 - earlier.trust) * gap);
  const double own_weight = 1 / (square(own.spread) + shortest);
  const double past_weight = 1 / (square(past.spread) + shortest);
  return {(own_weight * own.likely + past_weight * past.likely) / (own_weight + past_weight),
          std::min(own.spread, past.spread)};
}

} // namespace

void frame_timing::loaded(double seconds) noexcept {
  if (frames_ == 0)
    loading_ = sane_seconds(seconds);
}

void frame_timing::frame_done(double seconds) noexcept {
  seconds = sane_seconds(seconds);
  if (frames_ < INT_MAX)
    ++frames_;
  if (frames_ == 1) {
    first_ = seconds;
    if (!loading_)
      return;
    seconds = std::max(0.0, seconds - *loading_);
  }
  last_[static_cast<std::size_t>(measured_) % window] = seconds;
  if (measured_ < INT_MAX)
    ++measured_;
  sum_ += seconds;
  constexpr double keep = 0.70710678; // half the weight after two frames
  recent_sum_ = keep * recent_sum_ + seconds;
  recent_weight_ = keep * recent_weight_ + 1;
}

double frame_timing::mean() const noexcept {
  return measured_ > 0 ? sum_ / measured_ : 0;
}

double frame_timing::recent() const noexcept {
  return measured_ > 0 ? recent_sum_ / recent_weight_ : 0;
}

std::size_t frame_timing::remembered() const noexcept {
  return std::min(static_cast<std::size_t>(measured_), window);
}

double frame_timing::remembered(std::size_t i) const noexcept {
  return last_[(static_cast<std::size_t>(measured_) - remembered() + i) % window];
}

double estimate::at(double z) const noexcept {
  const double mean = std::max(likely, shortest);
  const double variance = std::log1p(square(spread / mean));
  return mean * std::exp(z * std::sqrt(variance) - variance / 2);
}

std::optional<estimate> estimate_time_left(const frame_timing& timing, const progress& now) noexcept {
  const double age = sane_seconds(now.frame_age);
  const double left = std::max(now.frames_left, 0);
  const int done = timing.frames();
  if (left < 1) // every frame is there, Blender has only to exit
    return estimate{0.2 * age, 0.2 * age};

  // While it loads no sample is done, so they tell of the time after that.
  const double loading = done == 0 ? std::min(timing.loading().value_or(0), age) : 0;
  std::optional<estimate> sampled;
  if (now.frame_fraction && *now.frame_fraction > 0)
    sampled = rest_by_fraction(age - loading, std::clamp(*now.frame_fraction, 1e-3, 1.0));

  std::optional<estimate> own;
  if (done == 0 && sampled) {
    const double first = age - loading + sampled->likely;
    const auto frames = timing.loading() ? model_of_loaded(first) : model_of_first(first);
    own = by_model(frames, *sampled, left, 1);
  } else if (done > 0) {
    // The second frame has outlived what the first one suggests: so will the others.
    auto frames = timing.measured() > 0 ? model_of(timing, left) : model_of_first(timing.first_frame());
    const double usual = frames.now;
    if (timing.measured() == 0)
      frames.mean = std::max(frames.mean, 1.1 * age);
    own = by_model(frames, sampled ? *sampled : rest_of_frame(age, usual, frames.cv), left, done);
  }

  if (!now.past)
    return own;
  const auto past =
      by_history(*now.past, sane_seconds(sane_seconds(now.elapsed) - age), done, left, age, sampled);
  return own ? combine(*own, past) : past.left;
}

} // namespace kiln::policy
