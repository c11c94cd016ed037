// SPDX-License-Identifier: Apache-2.0
//
// Sanitizes times from outside for computations.
#pragma once

#include <chrono>

namespace kiln::policy {

inline constexpr double longest_time = 1e9; ///< seconds, some 30 years: no measurement is longer

/// 0 to longest_time; a negative or undefined value counts as 0.
[[nodiscard]] constexpr double sane_seconds(double seconds) noexcept {
  if (!(seconds > 0))
    return 0;
  return seconds < longest_time ? seconds : longest_time;
}

/// 0 if `to` is earlier.
[[nodiscard]] inline double seconds_between(std::chrono::steady_clock::time_point from,
                                            std::chrono::steady_clock::time_point to) noexcept {
  return sane_seconds(std::chrono::duration<double>(to - from).count());
}

inline constexpr double shortest = 1e-6; ///< seconds: keeps divisions and logarithms defined

[[nodiscard]] constexpr double square(double x) noexcept {
  return x * x;
}

} // namespace kiln::policy
