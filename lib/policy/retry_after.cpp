// SPDX-License-Identifier: Apache-2.0
#include "policy/retry_after.hpp"

#include "policy/next_poll.hpp"
#include "policy/seconds.hpp"

#include <algorithm>
#include <cmath>

namespace kiln::policy {
namespace {

/// One of the two whole neighbours, so that the mean over many clients is `seconds`.
int round_at_random(double seconds, double random, int least) {
  const double chance = random >= 0 && random < 1 ? random : 0.5;
  return static_cast<int>(
      std::clamp(std::floor(sane_seconds(seconds) + chance), double(least), double(longest_retry_after)));
}

/// A job can end at any moment, by failing or by getting faster. This would be the best interval if its
/// remaining time were as uncertain as its past was long; no prediction goes far beyond it.
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
  constexpr double start = 4;      // seconds: where the growth of the intervals begins
  constexpr double first = 3;      // seconds: an earlier poll learns nothing that helps to time the next one
  const double elapsed = sane_seconds(seconds);
  const double left = std::max(frames_left, 0);
  const double bound = std::min(first + 3 * elapsed, start + wait_for_the_unforeseen(elapsed, failing));
  double wait = 0;
  if (estimated) {
    wait = cheapest_wait(*estimated, elapsed);
  } else {
    // Blender has printed nothing yet: the fewer frames, the more likely the end of one is the job's end.
    wait = first + wait_for_the_unforeseen(elapsed, failing + 2 / std::max(left, 1.0));
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
  // Whole seconds from ceil(b) to floor(3b), uniformly distributed.
  const double from = std::ceil(least), to = std::floor(3 * least);
  return static_cast<int>(std::min(from + std::floor(chance * (to - from + 1)), to));
}

} // namespace kiln::policy
