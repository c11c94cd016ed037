// SPDX-License-Identifier: Apache-2.0
#include "policy/retry_after.hpp"

#include "policy/seconds.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kiln::policy {
namespace {

/// One of the two whole neighbours, so that the mean over many clients is `seconds`.
int round_at_random(double seconds, double random, int least) {
  const double chance = random >= 0 && random < 1 ? random : 0.5;
  return static_cast<int>(
      std::clamp(std::floor(sane_seconds(seconds) + chance), double(least), double(longest_retry_after)));
}

/// How many seconds of staleness cost as much as one poll, in a job of this length.
double worth_of_a_poll(double length) {
  return std::max(1.0, length / 100);
}

/// The z at which Φ(z)/φ(z) = ratio, from -4 to 3: asking at that many standard deviations from the middle
/// balances the poll that comes too early against the staleness of one that comes too late.
double balance(double ratio) {
  double low = -4, high = 3;
  for (int i = 0; i < 24; ++i) {
    const double z = (low + high) / 2;
    const double before = std::erfc(-z / std::numbers::sqrt2) / 2;
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    (before < ratio * density ? low : high) = z;
  }
  return (low + high) / 2;
}

/// The wait that is best when the estimate is right.
double wait_by(const estimate& left, double elapsed) {
  const double unit = worth_of_a_poll(elapsed + left.likely);
  const double spread = std::max(left.spread, 1e-6);
  const double aim = left.at(std::max(balance(2 * unit / spread), -1.3));
  // Around the expected end the intervals grow with the root of the spread (Keller 1974).
  return std::max(aim, std::sqrt(2 * unit * spread / 0.75));
}

/// A job can end at any moment, by failing or by getting faster. If its remaining time were as uncertain as
/// its past was long, the best interval would be this; nothing that is predicted goes far beyond it.
double wait_for_the_unforeseen(double elapsed, double hazard) {
  return std::sqrt(2 * worth_of_a_poll(elapsed) * elapsed / hazard);
}

} // namespace

int retry_after(const frame_timing& timing, const progress& now, double random) noexcept {
  return retry_after(estimate_time_left(timing, now), now.frames_left, now.elapsed, random);
}

int retry_after(const std::optional<estimate>& estimated, int frames_left, double seconds,
                double random) noexcept {
  constexpr double failing = 0.08; // how often a job ends within the time it has run so far
  constexpr double start = 5;      // seconds: where the growth of the intervals begins
  const double elapsed = sane_seconds(seconds);
  const double left = std::max(frames_left, 0);
  // A job of few frames can be over at once.
  const double first = std::clamp(1 + 0.1 * left, 2.0, 3.0);

  const double bound = std::min(first + 2 * elapsed, start + wait_for_the_unforeseen(elapsed, failing));
  double wait = 0;
  if (estimated) {
    wait = wait_by(*estimated, elapsed);
  } else {
    // The first frame: the fewer there are, the more likely its end is the job's.
    wait = start + wait_for_the_unforeseen(elapsed, failing + 1 / std::max(left, 1.0));
  }
  return round_at_random(std::min(wait, bound), random, 1);
}

int retry_after_queued(double ahead, double own, double random) noexcept {
  const double before = sane_seconds(ahead);
  const double wait = 0.7 * before + (before < 60 ? 0.3 * sane_seconds(own) : 0);
  return round_at_random(wait, random, 2);
}

int overload_retry_after(double base, double random) noexcept {
  const double chance = random >= 0 && random < 1 ? random : 0.5;
  const double least = std::clamp(sane_seconds(base), 1.0, longest_retry_after / 3.0);
  // Whole seconds from ceil(b) to floor(3b), each as often as the others.
  const double from = std::ceil(least), to = std::floor(3 * least);
  return static_cast<int>(std::min(from + std::floor(chance * (to - from + 1)), to));
}

} // namespace kiln::policy
