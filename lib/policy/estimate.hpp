// SPDX-License-Identifier: Apache-2.0
//
// Estimates the remaining time of a job and its uncertainty: pure. Measurements go in; the result is a likely
// time and a spread, from which low and high follow. Defined for any input: a negative, infinite or undefined
// time counts as zero or as very long, and never invalidates the result.
#pragma once

#include "policy/frame_length.hpp"
#include "policy/frame_timing.hpp"

#include <optional>

namespace kiln::policy {

/// Times of this job's frames in an earlier run of the same .blend with the same settings and Blender:
/// seconds of the frames now done (with loading), of the current one, and of those after it.
struct history {
  double done = 0;
  double current = 0;
  double after = 0;
};

/// The progress of a running job.
struct progress {
  int frames_left = 0;  ///< the current one included
  double elapsed = 0;   ///< seconds since the start
  double frame_age = 0; ///< seconds since the current frame began
  std::optional<frame_statement> stated = {};
  std::optional<history> past = {};
  double exit = 0; ///< seconds from the last frame to the exit of its Blender; 0 if it stays
};

/// Nullopt without information from a finished frame, a part of one, or an earlier run.
[[nodiscard]] std::optional<estimate> estimate_time_left(const frame_timing& timing,
                                                         const progress& now) noexcept;

} // namespace kiln::policy
