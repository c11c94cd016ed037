// SPDX-License-Identifier: Apache-2.0
//
// How the frames of an attempt are cut into tasks, and how much time a task is given: pure.
#pragma once

#include "domain/frame_set.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::slurm {

/// What is measured of this job so far.
struct pace {
  std::optional<double> frame_seconds = {}; ///< of one frame; nothing before the first is known
  double start_up = 0;                      ///< seconds until Blender has loaded
};

struct cutting {
  double target_seconds = 300;   ///< that a task shall take, start-up apart
  std::size_t pilot = 64;        ///< tasks of one frame while nothing is known
  std::size_t most_tasks = 1000; ///< of one array
  std::size_t parallel = 300;    ///< tasks that can run at once, as far as is known
};

/// At least 1. Towards the target, and towards 20 times the start-up where that is more; but not so many that
/// nodes stand idle at the end, as long as a task renders longer than it starts up.
[[nodiscard]] std::size_t frames_of_a_task(std::size_t left, const pace& known, const cutting& rules);

/// The tasks of the next array: those of `alone` (frames that have failed) with a frame each, then `left` in
/// its order. Not always all of it: more comes with the next array.
[[nodiscard]] std::vector<domain::frame_set>
cut(const domain::frame_set& left, const domain::frame_set& alone, const pace& known, const cutting& rules);

/// With a margin: what a task takes differs, and a task that is ended by its limit has rendered for nothing.
/// Nothing while nothing is known: the site's own limit holds then. `raised`: how often it was too short.
[[nodiscard]] std::optional<std::chrono::minutes> time_limit(std::size_t frames, const pace& known,
                                                             int raised);

/// A task as a line for the batch script: first, last, step of each run of frames.
[[nodiscard]] std::string format_task(const domain::frame_set& frames);
/// Empty when it is no such line.
[[nodiscard]] domain::frame_set parse_task(std::string_view line);

} // namespace kiln::slurm
