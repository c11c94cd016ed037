// SPDX-License-Identifier: Apache-2.0
#include "retry_sim/baselines.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace kiln::retry_sim {
namespace {

constexpr double longest_wait = 300;

/// Whole seconds, one of the two neighbours by chance so that the mean stays.
double round_at_random(double seconds, random_source& random) {
  return std::max(1.0, std::floor(seconds + std::uniform_real_distribution<double>()(random)));
}

double mean_times_left(const situation& now) {
  if (now.frames_done == 0)
    return std::max(1.0, now.elapsed);
  return now.elapsed / now.frames_done * now.frames_left();
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The reference's estimate from the completed frames.
struct reference_estimate {
  double mu = 0, cv = 0, low = 0, spread = 0;

  explicit reference_estimate(const situation& now) {
    std::vector<double> frames(now.job.frames.begin(), now.job.frames.begin() + now.frames_done);
    frames.front() /= 2; // the first one holds the loading of the scene
    const std::span<const double> all(frames);
    const double k = now.frames_done, n = now.frames_left(), age = now.frame_age;

    const double keep = std::exp2(-1.0 / 6);
    double ewma = all.front();
    for (const double seconds : all.subspan(1))
      ewma = keep * ewma + (1 - keep) * seconds;
    const auto window = all.last(std::min<std::size_t>(all.size(), 24));
    double square = 0, slope = 0, base = 0;
    for (std::size_t i = 0; i < window.size(); ++i) {
      const double x = static_cast<double>(i) - (static_cast<double>(window.size()) - 1) / 2;
      square += (window[i] - mean_of(window)) * (window[i] - mean_of(window));
      slope += x * window[i];
      base += x * x;
    }
    slope = base > 0 ? slope / base : 0;
    mu = ewma;
    cv = window.size() > 1 ? std::sqrt(square / static_cast<double>(window.size() - 1)) / mean_of(window)
                           : 0.5;
    // The mean over the remaining frames if the line continues.
    const double trend = mean_of(window) + slope * (static_cast<double>(window.size()) + n) / 2;

    const double means[] = {mean_of(all), mean_of(all.last(std::min<std::size_t>(all.size(), 8))), ewma,
                            std::clamp(trend, 0.4 * ewma, 2.5 * ewma)};
    double least = HUGE_VAL, most = 0;
    for (const double mean : means) {
      const double left = (n - 1) * mean + (age < mean ? mean - age : (age - mean) / 2);
      least = std::min(least, left);
      most = std::max(most, left);
    }
    const double sd = cv * mu * std::sqrt(n * (1 + n / std::min(k, 9.0)));
    spread = std::hypot(sd, (most - least) / 2);
    low = least - sd;
  }
};

double reference(const situation& now, random_source& random) {
  if (now.frames_done == 0)
    return round_at_random(std::max(2.0, 0.75 * now.elapsed), random);
  const reference_estimate left(now);
  const double t = now.elapsed;
  const double floor = std::clamp(0.005 * t, 1.0, 10.0);
  const double zone = std::sqrt(2 * left.spread / 0.8);
  double wait = left.low > zone ? left.low : std::min(zone, std::max(left.low, 0.0) + zone);
  const double overrun = now.frame_age - left.mu;
  if (overrun > 3 * left.cv * left.mu)
    wait = std::min(wait, overrun / 2 + floor);
  const double beta = now.frames_done < 10 ? 1 : 2;
  wait = std::min({wait, longest_wait, std::max(2.0, beta * t), 2 * std::sqrt(2 * t / 0.05)});
  return round_at_random(std::max(wait, floor), random);
}

} // namespace

header_policy fixed_policy() {
  return [](const situation&, random_source&) { return 5.0; };
}

header_policy doubling_policy() {
  return [](const situation& now, random_source&) { return std::clamp(std::round(now.elapsed), 1.0, 60.0); };
}

header_policy mean_times_left_policy() {
  return [](const situation& now, random_source& random) {
    return round_at_random(std::min(mean_times_left(now), longest_wait), random);
  };
}

header_policy half_of_left_policy() {
  return [](const situation& now, random_source& random) {
    return round_at_random(std::min(mean_times_left(now) / 2, longest_wait), random);
  };
}

header_policy reference_policy() {
  return reference;
}

header_policy oracle_policy() {
  return [](const situation& now, random_source&) {
    return std::max(1.0, std::ceil(now.job.length() - now.elapsed));
  };
}

} // namespace kiln::retry_sim
