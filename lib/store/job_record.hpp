// SPDX-License-Identifier: Apache-2.0
//
// What is kept of jobs over a restart.
#pragma once

#include "base/ids.hpp"
#include "domain/failure.hpp"
#include "domain/frame_set.hpp"
#include "domain/job.hpp"
#include "domain/warning.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace kiln::store {

/// Of the system's clock, which can be set back: for people, not to reckon with.
using time_point = std::chrono::sys_time<std::chrono::milliseconds>;

/// What the user wants of a job that is not final. It holds over a restart.
enum class intent { run, pause, cancel };

struct job_record {
  job_id id;
  std::string owner; ///< who asked for it; empty where nobody has to say who they are
  domain::job_spec spec;
  domain::job_state state = domain::job_state::queued;
  intent wish = intent::run;
  std::uint64_t revision = 1;                  ///< grows with every change that a client can see
  std::optional<domain::failure> failure = {}; ///< set when failed
  std::optional<pid_t> pid = {};               ///< of the newest attempt that ran
  int attempts = 0;                            ///< begun so far
  std::size_t frames_done = 0;                 ///< published
  std::size_t frames_failed = 0;
  double render_seconds = 0; ///< that attempts took which have ended
  time_point created;
  std::optional<time_point> started = {};
  std::optional<time_point> finished = {};    ///< set when final
  std::string report;                         ///< JSON of blender::scene_report; empty when there is none
  std::vector<domain::warning> warnings = {}; ///< in the order in which they came

  friend bool operator==(const job_record&, const job_record&) = default;
};

/// A frame of which there is something to tell; others are pending.
struct frame_record {
  enum class state { pending, done, failed };
  int frame = 0;
  state now = state::pending;
  int tries = 0;                               ///< that failed
  double seconds = 0;                          ///< when done: what it took
  std::int64_t bytes = 0;                      ///< when done: the size of its file
  std::optional<domain::failure> failure = {}; ///< of the newest try that failed

  friend bool operator==(const frame_record&, const frame_record&) = default;
};

struct attempt_record {
  int number = 0;
  domain::frame_set frames; ///< that it renders
  std::optional<pid_t> pid = {};
  time_point began;
  std::optional<time_point> ended = {};

  friend bool operator==(const attempt_record&, const attempt_record&) = default;
};

} // namespace kiln::store
