// SPDX-License-Identifier: Apache-2.0
//
// How long a job will still take of which several frames render at once: by Blenders that share it, or by
// tasks of a cluster. Pure. Those that run, those that wait for a node, and those that are the last to end.
#pragma once

#include "policy/frame_length.hpp"
#include "policy/frame_timing.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace kiln::policy {

/// A Blender that renders, and has frames that no other renders.
struct running_task {
  double frames_left = 0; ///< the current one included
  double frame_age = 0;   ///< seconds since the current one began, or the start of Blender
  bool is_loaded = true;  ///< else it has not begun its first frame
  double fraction = 0;    ///< of the current one that is done, 0 to 1
  std::optional<frame_statement> stated = {}; ///< what its Blender has last said of the current one
};

/// Where the tasks of a job stand.
struct parallel_progress {
  std::vector<running_task> running = {};
  std::size_t waiting = 0;              ///< tasks that wait for a node
  double frames_waiting = 0;            ///< of those, and of what is in no task yet
  std::optional<double> starts_in = {}; ///< seconds until the first that waits gets a node, as Slurm reckons
  std::size_t slots = 0;                ///< tasks that may run at once, as far as is known; 0: unknown
  double start_up = 0;                  ///< seconds until Blender has loaded
};

/// Nothing while neither a frame, a part of one, nor an earlier run says anything. `past_frame`: seconds of
/// one in an earlier run.
[[nodiscard]] std::optional<estimate>
estimate_parallel(const frame_timing& timing, const parallel_progress& now, std::optional<double> past_frame);

} // namespace kiln::policy
