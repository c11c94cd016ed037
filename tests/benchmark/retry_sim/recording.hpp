// SPDX-License-Identifier: Apache-2.0
//
// Recordings of real renders (tests/benchmark/traces/record): what kilnd received of a job, and when.
#pragma once

#include "base/error.hpp"
#include "blender/session_protocol.hpp"
#include "domain/frame_set.hpp"
#include "retry_sim/simulation.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kiln::retry_sim {

/// A piece of Blender's log, not always whole lines.
struct log_piece {
  std::string text;
};
/// A frame is published. `closed`: seconds since the job was created.
struct published {
  int frame = 0;
  double closed = 0;
};
/// What kilnd answered when it was asked for the job.
struct live_answer {
  int retry_after = 0;
  double progress = 0;
  std::optional<double> likely; ///< seconds
};

struct recorded_event {
  double at = 0; ///< seconds since the job was created, in rising order
  std::variant<log_piece, blender::session_event, published, live_answer> what;
};

struct recording {
  std::string scene, blender, mode, engine;
  int cores = 0;
  double load = 0; ///< the machine's load average at the end
  domain::frame_set frames;
  double began = 0; ///< seconds: when its attempt began
  double end = 0;   ///< seconds: when the job had succeeded
  std::vector<recorded_event> events;

  /// "3.4 own"; engines other than Cycles are named.
  [[nodiscard]] std::string kind() const;
  /// The same job as a row of frame times.
  [[nodiscard]] trace as_trace() const;
};

/// One line of a file. The error says what is wrong with it.
[[nodiscard]] result<recording> parse_recording(std::string_view line);

/// Whole files, packed by gzip or not; empty lines are left out. The error names file and line.
[[nodiscard]] result<std::vector<recording>> read_recordings(const std::vector<std::string>& paths);

} // namespace kiln::retry_sim
