// SPDX-License-Identifier: Apache-2.0
#include "retry_sim/own_policy.hpp"

#include "policy/retry_after.hpp"

#include <cmath>

namespace kiln::retry_sim {
namespace {

policy::history history_of(const situation& now) {
  policy::history past;
  int frame = 0;
  for (const double seconds : now.past.frames) {
    (frame < now.frames_done ? past.done : frame == now.frames_done ? past.current : past.after) += seconds;
    ++frame;
  }
  return past;
}

/// Blender states a part of the frame at each step, and what is left by it. Nothing before the first step:
/// while it loads, Blender tells of no samples.
std::optional<policy::frame_statement> samples_of(const situation& now) {
  constexpr double steps = 32;
  const double whole = now.job.frames[static_cast<std::size_t>(now.frames_done)];
  const double fraction = std::floor(steps * now.frame_age / whole) / steps;
  if (!(fraction > 0))
    return std::nullopt;
  return policy::frame_statement{
      .age = fraction * whole, .rest = (1 - fraction) * whole, .fraction = fraction};
}

} // namespace

header_policy own_policy(knowledge known) {
  return [known](const situation& now, random_source& random) {
    policy::progress progress{
        .frames_left = now.frames_left(), .elapsed = now.elapsed, .frame_age = now.frame_age};
    if (known.samples)
      progress.stated = samples_of(now);
    if (known.history)
      progress.past = history_of(now);
    const double chance = std::uniform_real_distribution<double>()(random);
    return double(policy::retry_after(now.timing, progress, chance));
  };
}

} // namespace kiln::retry_sim
