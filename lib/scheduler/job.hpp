// SPDX-License-Identifier: Apache-2.0
//
// A job as the scheduler has it: what the store keeps, and what only matters while it lives.
#pragma once

#include "aio/task.hpp"
#include "policy/estimate.hpp"
#include "policy/forecast.hpp"
#include "policy/parallel.hpp"
#include "policy/retry.hpp"
#include "store/job_record.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kiln::scheduler {

struct job : store::job_record {
  job() = default;
  explicit job(store::job_record kept) : job_record(std::move(kept)) {}

  // Of a job that is not final.
  domain::frame_set done;                       ///< published
  domain::frame_set failed;                     ///< given up
  policy::troubles troubles;                    ///< of frames that have failed at least once
  std::optional<store::attempt_record> attempt; ///< the newest
  std::string history_key;                      ///< empty while it is not known
  std::map<int, double> past_seconds;           ///< of its frames, in an earlier run
  double past_loading = 0;
  double past_total = 0; ///< seconds of all its frames then; 0 when nothing is known

  // Of the attempt that runs now.
  aio::clock::time_point attempt_began;
  aio::clock::time_point frame_began;             ///< the current frame: the end of the one before it
  policy::frame_timing timing;                    ///< seconds of the frames so far
  std::optional<policy::forecast> forecast;       ///< where something is known of an earlier run
  std::size_t attempt_done = 0;                   ///< frames that it has published
  std::optional<int> frame;                       ///< that Blender is on, where it tells
  std::optional<double> frame_fraction;           ///< done of the current frame, 0 to 1, where Blender tells
  int sample = 0, samples = 0;                    ///< of the current frame, where Blender tells
  std::string waits_for;                          ///< elsewhere, for a place to run; empty when it does not
  std::optional<policy::parallel_progress> tasks; ///< where it runs as many at once
  std::optional<domain::failure> doomed;          ///< why nothing more of it is tried, though tasks still end

  std::vector<store::frame_record> news; ///< what has become of frames since the watchers were told last

  // What the store has not yet.
  std::vector<store::frame_record> unsaved_frames;
  bool unsaved_attempt = false;
  bool unsaved_loading = false;
  bool unsaved = false;  ///< anything
  bool saving = false;   ///< it is being written
  bool settling = false; ///< its final state is being written: nothing else may be

  [[nodiscard]] domain::frame_set pending() const { return spec.frames.without(done).without(failed); }
};

} // namespace kiln::scheduler
