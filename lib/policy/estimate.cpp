// SPDX-License-Identifier: Apache-2.0
//
// The constants were chosen on half of the recordings and traces in tests/benchmark/traces and checked on the
// other half (docs/policy.md); the result is flat around them.
#include "policy/estimate.hpp"

#include "policy/seconds.hpp"

#include <algorithm>
#include <cmath>

namespace kiln::policy {
namespace {

/// The expected time of each remaining frame, derived from the finished ones.
struct frame_model {
  double mean = 0;     ///< of the remaining frames
  double now = 0;      ///< of the next one
  double cv = 0;       ///< how much single frames differ, relative to `now`
  double disagree = 0; ///< half the distance between the estimates of `mean`
  double alike = 0;    ///< how much a frame resembles the one before it: correlation, 0 to 1
};

/// A line through the remembered frames: its height in their middle, its slope a frame, the scatter.
struct line {
  double height = 0, slope = 0, squares = 0, products = 0;

  explicit line(const frame_timing& timing) {
    const auto count = timing.remembered();
    const auto size = static_cast<double>(count);
    for (std::size_t i = 0; i < count; ++i)
      height += timing.remembered(i) / size;
    double base = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const double x = static_cast<double>(i) - (size - 1) / 2;
      squares += square(timing.remembered(i) - height);
      if (i > 0)
        products += (timing.remembered(i) - height) * (timing.remembered(i - 1) - height);
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
  // The mean over the remaining frames if the line continues, within bounds.
  const double trend = std::clamp(fit.height + fit.slope * (size + left) / 2, 0.4 * recent, 2.5 * recent);
  const auto [least, most] = std::minmax({timing.mean(), fit.height, recent, trend});

  constexpr double usual_cv = 0.4, usual_weight = 2; // believed until frames say otherwise
  const double variance =
      (fit.squares / square(std::max(fit.height, shortest)) + usual_weight * square(usual_cv)) /
      (size - 1 + usual_weight);
  // On real renders, a trend comes from other work on the machine as often as from the scene.
  return {.mean = 0.85 * recent + 0.15 * trend,
          .now = recent,
          .cv = std::sqrt(variance),
          .disagree = (most - least) / 2,
          // A correlation of few frames counts for less.
          .alike = std::clamp(fit.products / (fit.squares + 1e-12), 0.0, 0.75) * size / (size + 2)};
}

/// One frame is known, or a part of it; its share of loading is unknown.
frame_model model_of_first(double seconds) {
  const double mean = std::max(0.4 * seconds, shortest);
  return {.mean = mean, .now = mean, .cv = 0.8, .disagree = 0, .alike = 0};
}

/// The same if the loading time is known and subtracted.
frame_model model_of_loaded(double seconds) {
  const double mean = std::max(seconds, shortest);
  return {.mean = mean, .now = mean, .cv = 0.25, .disagree = 0, .alike = 0};
}

/// The increase of the remaining frames' mean because the current frame is likely to take `whole` seconds:
/// half of its difference, as far as it is known better than from the earlier frames.
double next_of_current(const frame_model& frames, double whole, double spread) {
  constexpr double share = 0.5, least_cv = 0.1;
  const double unknown = spread / std::max(whole, shortest) / std::max(frames.cv, least_cv);
  return share * std::max(0.0, 1 - square(unknown)) * (whole - frames.now);
}

/// All remaining frames, including the current one. The deviations add up as if they were independent.
estimate by_model(const frame_model& frames, const estimate& current, double left, double seen) {
  const double more = left - 1;
  // Frames that resemble the one before them are slow or fast together: the sum differs more than its parts.
  const double chance = 0.8 * frames.cv * frames.now *
                        std::sqrt(more * (1 + more / std::clamp(seen - 1, 1.0, 9.0))) *
                        std::sqrt(std::min((1 + frames.alike) / (1 - frames.alike), std::max(more, 1.0)));
  const double method = 0.3 * frames.disagree * left;
  // Later frames may be of another nature, however alike the first ones are.
  const double surprise = 0.3 * frames.mean * more * std::sqrt(more / (more + seen));
  return {more * frames.mean + current.likely,
          std::hypot(std::hypot(chance, method), std::hypot(surprise, current.spread))};
}

/// The estimate from an earlier run, and its credibility from 0 to 1.
struct opinion {
  estimate left;
  double trust = 1;
};

/// The earlier run, scaled by the speed of this one so far. If its times for the done frames were very
/// different, it was perhaps on another machine or of another scene.
opinion by_history(const history& past, double done, double frames_done, double left, double age,
                   const std::optional<frame_length>& stated) {
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
  auto length =
      frame_length::of(sane_seconds(past.current) * scale, std::hypot(std::sqrt(variance), frame_spread));
  if (stated)
    length = combine(length, *stated, age);
  const auto current = rest_of_frame(length, age);
  const double rest = sane_seconds(past.after) * scale;
  return {{rest + current.likely,
           std::hypot(rest * std::sqrt(variance + square(frame_spread) / left), current.spread)},
          trust};
}

/// Combines two estimates by their certainty. If they contradict each other, a trusted earlier run wins: it
/// includes the remaining frames.
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

std::optional<estimate> estimate_time_left(const frame_timing& timing, const progress& now) noexcept {
  const double age = sane_seconds(now.frame_age);
  const double left = std::max(now.frames_left, 0);
  const int done = timing.frames();
  constexpr double exit_cv = 0.5;
  const double exit = sane_seconds(now.exit);
  if (left < 1) // every frame is there, Blender has only to exit
    return exit > 0 ? rest_of_frame(frame_length::of(exit, exit_cv), age) : estimate{0.2 * age, 0.2 * age};

  const double loading = done == 0 ? std::min(timing.loading().value_or(0), age) : 0;
  std::optional<frame_length> stated;
  if (now.stated)
    stated = frame_length::by(*now.stated, loading, timing);

  std::optional<estimate> own;
  if (done > 0) {
    auto frames = timing.measured() > 0 ? model_of(timing, left) : model_of_first(timing.first_frame());
    auto length = frame_length::of(frames.now, frames.cv);
    if (stated)
      length = combine(length, *stated, age);
    const auto rest = rest_of_frame(length, age);
    if (timing.measured() > 0)
      frames.mean += next_of_current(frames, age + rest.likely, rest.spread);
    // The second frame takes longer than the first one suggests: so will the others.
    if (timing.measured() == 0)
      frames.mean = std::max(frames.mean, 1.1 * age);
    own = by_model(frames, rest, left, done);
  } else if (stated) {
    const auto rest = rest_of_frame(*stated, age - loading);
    const double first = age - loading + rest.likely;
    own = by_model(timing.loading() ? model_of_loaded(first) : model_of_first(first), rest, left, 1);
  }

  if (now.past) {
    const auto past = by_history(*now.past, sane_seconds(sane_seconds(now.elapsed) - age), done, left,
                                 age - loading, stated);
    own = own ? combine(*own, past) : past.left;
  }
  if (own)
    own = estimate{sane_seconds(own->likely + exit), sane_seconds(std::hypot(own->spread, exit_cv * exit))};
  return own;
}

} // namespace kiln::policy
