// SPDX-License-Identifier: Apache-2.0
//
// The remaining time of a job with several frames rendering at once, by Blenders that share it or by cluster
// tasks. Pure. Accounts for running tasks, tasks waiting for a node, and the last ones to end.
#pragma once

#include "policy/frame_length.hpp"
#include "policy/frame_timing.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace kiln::policy {

/// A rendering Blender with its own share of the frames.
struct running_task {
  double frames_left = 0; ///< the current one included
  double frame_age = 0;   ///< seconds since the current one began, or the start of Blender
  bool is_loaded = true;  ///< false: it has not begun its first frame
  double fraction = 0;    ///< completed part of the current one, 0 to 1
  std::optional<frame_statement> stated = {}; ///< its Blender's latest statement on the current one
};

/// The progress of a job's tasks.
struct parallel_progress {
  std::vector<running_task> running = {};
  std::size_t waiting = 0;              ///< tasks that wait for a node
  double frames_waiting = 0;            ///< frames of those, and frames in no task yet
  std::optional<double> starts_in = {}; ///< seconds until the first waiting task gets a node (by Slurm)
  std::size_t slots = 0;                ///< tasks that may run at once; 0: unknown
  double start_up = 0;                  ///< seconds until Blender has loaded
};

/// Nullopt without information from a frame, a part of one, or an earlier run. `past_frame`: seconds of a
/// frame in an earlier run.
[[nodiscard]] std::optional<estimate>
estimate_parallel(const frame_timing& timing, const parallel_progress& now, std::optional<double> past_frame);

} // namespace kiln::policy
