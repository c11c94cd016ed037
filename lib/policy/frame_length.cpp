// SPDX-License-Identifier: Apache-2.0
//
// The constants were chosen on half of the recordings in tests/benchmark/traces and checked on the other half
// (docs/policy.md); the result is flat around them.
#include "policy/frame_length.hpp"

#include "policy/seconds.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kiln::policy {
namespace {

/// The part of a normal distribution that is above `z` standard deviations.
double above(double z) {
  return std::erfc(z / std::numbers::sqrt2) / 2;
}

} // namespace

double estimate::at(double z) const noexcept {
  const double mean = std::max(likely, shortest);
  const double variance = std::log1p(square(spread / mean));
  return mean * std::exp(z * std::sqrt(variance) - variance / 2);
}

frame_length frame_length::of(double mean, double cv) noexcept {
  const double variance = std::log1p(square(cv));
  return {std::log(std::max(mean, shortest)) - variance / 2, std::sqrt(variance)};
}

frame_length frame_length::by(const frame_statement& said, double loading,
                              const frame_timing& timing) noexcept {
  constexpr double other = 0.06;        // of the length: not explained by samples or ending
  constexpr double ending_spread = 0.3; // relative
  constexpr double saving = 0.05;       // seconds
  const double fraction = std::clamp(said.fraction, 0.0, 1.0);
  const auto& errors = timing.statements();
  const double rest = sane_seconds(said.rest) * std::exp(errors.mean(fraction, said.kind));
  const double age = std::max(sane_seconds(said.age) - loading, 0.0);
  const double ending = timing.ending(age + rest);
  const double whole = std::max(age + rest + ending, shortest);
  const double sure = errors.deviation(fraction, said.kind) * std::sqrt(1 - 0.9 * fraction);
  const double unsure = std::hypot(ending_spread * ending, other * whole);
  return of(whole, std::hypot(sure * rest, unsure, saving) / whole);
}

double frame_length::mean() const noexcept {
  return std::exp(mu + square(sigma) / 2);
}

frame_length combine(const frame_length& usual, const frame_length& said, double age) noexcept {
  constexpr double sharpest = 0.01, widest = 1.5;
  const double sigma = std::max(usual.sigma, sharpest);
  const double holds = std::min(1.0, 2 * above((std::log(std::max(age, shortest)) - usual.mu) / sigma));
  const double of_usual = holds / square(sigma), of_said = 1 / square(std::max(said.sigma, sharpest));
  // If they contradict each other, both are less certain than stated.
  const double gap = std::max(0.0, std::abs(usual.mu - said.mu) - 2 * std::hypot(usual.sigma, said.sigma));
  return {(of_usual * usual.mu + of_said * said.mu) / (of_usual + of_said),
          std::min(std::hypot(std::sqrt(1 / (of_usual + of_said)), holds * gap / 2), widest)};
}

estimate rest_of_frame(const frame_length& length, double age) noexcept {
  constexpr double rarest = 1.5; // standard deviations
  const double sigma = std::max(length.sigma, 0.01);
  const double usual = std::min(age, std::exp(length.mu + rarest * sigma));
  const double delay = 0.7 * (age - usual);
  const double z = (std::log(std::max(usual, shortest)) - length.mu) / sigma;
  const double survives = above(z);
  const double first = std::exp(length.mu + square(sigma) / 2) * above(z - sigma) / survives;
  const double second = std::exp(2 * length.mu + 2 * square(sigma)) * above(z - 2 * sigma) / survives;
  const double variance = std::max(0.0, second - square(first));
  if (!std::isfinite(first) || !std::isfinite(variance))
    return {age, age};
  return {std::max(0.0, first - usual) + delay, std::sqrt(variance) + delay};
}

} // namespace kiln::policy
