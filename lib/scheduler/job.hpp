// SPDX-License-Identifier: Apache-2.0
//
// A job as the scheduler keeps it: what was asked for, and what has become of it so far.
#pragma once

#include "aio/task.hpp"
#include "base/ids.hpp"
#include "domain/failure.hpp"
#include "domain/job.hpp"
#include "policy/estimate.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace kiln::scheduler {

struct job {
  job_id id;
  domain::job_spec spec;
  domain::job_state state = domain::job_state::queued;
  std::optional<domain::failure> failure; ///< set when failed
  std::uint64_t revision = 1;             ///< grows with every change that a client can see

  std::optional<pid_t> pid;    ///< of the newest attempt that ran
  int attempts = 0;            ///< attempts begun so far
  std::size_t frames_done = 0; ///< published

  // The attempt that runs now.
  aio::clock::time_point attempt_began;
  aio::clock::time_point frame_began;   ///< the current frame: the end of the one before it
  policy::frame_timing timing;          ///< seconds of the frames so far
  std::optional<double> frame_fraction; ///< done of the current frame, 0 to 1, where Blender tells
};

} // namespace kiln::scheduler
