// SPDX-License-Identifier: Apache-2.0
//
// Unrealistic times and counts, for properties that must hold for any input.
#pragma once

#include "policy/estimate.hpp"

#include <iterator>
#include <limits>
#include <random>

namespace kiln::policy {

inline double hostile(std::mt19937_64& random) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  constexpr double table[] = {0.0,
                              -0.0,
                              -1.0,
                              1.0,
                              1e-320,
                              1e-9,
                              1e9,
                              1e18,
                              1e308,
                              -1e308,
                              inf,
                              -inf,
                              std::numeric_limits<double>::quiet_NaN()};
  const auto pick = random() % 20;
  return pick < std::size(table) ? table[pick] : std::uniform_real_distribution<double>(0, 100)(random);
}

inline frame_timing hostile_timing(std::mt19937_64& random) {
  frame_timing timing;
  if (random() % 4 == 0)
    timing.loaded(hostile(random));
  for (auto frames = random() % 30; frames > 0; --frames)
    timing.frame_done(hostile(random));
  return timing;
}

inline progress hostile_progress(std::mt19937_64& random) {
  constexpr int counts[] = {std::numeric_limits<int>::min(), -1, 0, 1, 2, 100, 1'048'574,
                            std::numeric_limits<int>::max()};
  progress now{.frames_left = counts[random() % std::size(counts)],
               .elapsed = hostile(random),
               .frame_age = hostile(random)};
  if (random() % 2 == 0)
    now.stated = frame_statement{hostile(random), hostile(random), hostile(random)};
  if (random() % 2 == 0)
    now.past = history{hostile(random), hostile(random), hostile(random)};
  return now;
}

} // namespace kiln::policy
