// SPDX-License-Identifier: Apache-2.0
//
// How long a job will still take, and how sure that is: pure. What was measured goes in; the answer is a
// likely time and a spread, from which low and high follow. The numbers are reckoned for any input: a
// negative, infinite or undefined time counts as zero or as very long, and never spoils the result.
#pragma once

#include "policy/frame_length.hpp"
#include "policy/frame_timing.hpp"

#include <optional>

namespace kiln::policy {

/// What an earlier run of the same .blend with the same settings and Blender took for the frames of this job:
/// seconds for those that are done now (with loading), for the current one, for those after it.
struct history {
  double done = 0;
  double current = 0;
  double after = 0;
};

/// Where a running job stands.
struct progress {
  int frames_left = 0;  ///< the current one included
  double elapsed = 0;   ///< seconds since the start
  double frame_age = 0; ///< seconds since the current frame began
  std::optional<frame_statement> stated = {};
  std::optional<history> past = {};
  double exit = 0; ///< seconds from the last frame to the end of its Blender; 0 for one that stays
};

/// Nothing while neither a finished frame, a part of one, nor an earlier run says anything.
[[nodiscard]] std::optional<estimate> estimate_time_left(const frame_timing& timing,
                                                         const progress& now) noexcept;

} // namespace kiln::policy
