// SPDX-License-Identifier: Apache-2.0
//
// The persistent state of jobs.
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
#include <utility>
#include <vector>

#include <sys/types.h>

namespace kiln::store {

/// System clock time, which can be set back: for display, not for computing.
using time_point = std::chrono::sys_time<std::chrono::milliseconds>;

/// The user's wish for a job that is not final. Survives a restart.
enum class intent { run, pause, cancel };

struct job_record {
  job_id id;
  std::string owner; ///< the principal that submitted it; empty without authentication
  domain::job_spec spec;
  domain::job_state state = domain::job_state::queued;
  intent wish = intent::run;
  std::uint64_t revision = 1;                  ///< grows with every change that a client can see
  std::optional<domain::failure> failure = {}; ///< set when failed
  std::optional<pid_t> pid = {};               ///< of the latest attempt that ran
  int attempts = 0;                            ///< attempts begun so far
  std::size_t frames_done = 0;                 ///< published
  std::size_t frames_failed = 0;
  double render_seconds = 0; ///< total duration of ended attempts
  time_point created;
  std::optional<time_point> started = {};
  std::optional<time_point> finished = {};    ///< set when final
  std::string report;                         ///< JSON of blender::scene_report; empty if there is none
  std::vector<domain::warning> warnings = {}; ///< in order of arrival

  friend bool operator==(const job_record&, const job_record&) = default;
};

/// A frame with a record; frames without one are pending.
struct frame_record {
  enum class state { pending, done, failed };
  int frame = 0;
  state now = state::pending;
  int tries = 0;                               ///< failed tries
  double seconds = 0;                          ///< if done: its duration
  std::int64_t bytes = 0;                      ///< if done: the size of its file
  std::optional<domain::failure> failure = {}; ///< of the latest failed try

  friend bool operator==(const frame_record&, const frame_record&) = default;
};

/// The frames of a job that have a result. All others are pending.
struct frame_states {
  domain::frame_set done;
  domain::frame_set failed;
  std::vector<std::pair<int, float>> seconds = {}; ///< frames that are done, with their durations
};

struct attempt_record {
  int number = 0;
  domain::frame_set frames; ///< frames it renders
  std::optional<pid_t> pid = {};
  time_point began;
  std::optional<time_point> ended = {};

  friend bool operator==(const attempt_record&, const attempt_record&) = default;
};

} // namespace kiln::store
