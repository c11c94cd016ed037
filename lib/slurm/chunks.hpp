// SPDX-License-Identifier: Apache-2.0
//
// Divides the frames of an attempt into tasks and computes their time limits: pure.
#pragma once

#include "domain/frame_set.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::slurm {

/// Measurements of this job so far.
struct pace {
  std::optional<double> frame_seconds = {}; ///< of one frame; nullopt before the first measurement
  double start_up = 0;                      ///< seconds until Blender has loaded
};

struct cutting {
  double target_seconds = 300;   ///< target duration of a task, without start-up
  std::size_t pilot = 64;        ///< single-frame tasks before the first measurement
  std::size_t most_tasks = 1000; ///< of one array
  std::size_t parallel = 300;    ///< known number of tasks that can run at once
};

/// At least 1. Aims at the target duration, or at 20 times the start-up if that is longer; but not so many
/// that nodes are idle at the end, as long as a task renders longer than it starts up.
[[nodiscard]] std::size_t frames_of_a_task(std::size_t left, const pace& known, const cutting& rules);

/// The tasks of the next array: one for each frame of `alone` (frames that have failed), then `left` in
/// order. Remaining frames go to later arrays.
[[nodiscard]] std::vector<domain::frame_set>
cut(const domain::frame_set& left, const domain::frame_set& alone, const pace& known, const cutting& rules);

/// The time limit of a task, with a margin: durations vary, and work of a task ended by its limit is lost.
/// Nullopt without measurements: the site's limit applies. `raised`: how often the limit was too short.
[[nodiscard]] std::optional<std::chrono::minutes> time_limit(std::size_t frames, const pace& known,
                                                             int raised);

/// A task as a line for the batch script: first, last, step of each run of frames.
[[nodiscard]] std::string format_task(const domain::frame_set& frames);
/// Empty if it is not such a line.
[[nodiscard]] domain::frame_set parse_task(std::string_view line);

} // namespace kiln::slurm
