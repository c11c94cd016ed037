// SPDX-License-Identifier: Apache-2.0
//
// A job in the scheduler: its stored record, and state that is only needed until the job is final.
#pragma once

#include "aio/task.hpp"
#include "policy/parallel.hpp"
#include "policy/retry.hpp"
#include "policy/timeline.hpp"
#include "policy/width.hpp"
#include "scheduler/ledger_page.hpp"
#include "store/job_record.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kiln::scheduler {

/// An attempt under way.
struct run {
  store::attempt_record record;
  aio::clock::time_point began;
  aio::clock::time_point frame_began; ///< start of its current frame: the end of the previous one
  std::size_t done = 0;               ///< frames it has published
  std::optional<int> frame;           ///< current frame of its Blender, if reported
};

/// The end of a job once none of its attempts renders.
struct ending {
  domain::job_state state = domain::job_state::failed;
  std::optional<domain::failure> failure;
};

/// The result of a frame, as watchers are told of it.
struct frame_news {
  store::frame_record record;
  std::vector<std::string> outputs; ///< names of its further files, if it is done
};

struct job : store::job_record {
  job() = default;
  /// `kept`: the record in the store.
  explicit job(store::job_record kept) : job_record(std::move(kept)) { page.last_written = revision; }

  // Only for a job that is not final:
  domain::frame_set done;                     ///< published frames
  domain::frame_set failed;                   ///< frames given up
  std::vector<std::pair<int, float>> seconds; ///< frames that are done, with their durations
  policy::troubles troubles;                  ///< of frames that have failed at least once
  std::map<int, run> runs;                    ///< attempts under way, by number
  std::size_t slots = 0;                      ///< slots held, for runs and for attempts being started
  std::optional<ending> ends_as;              ///< already decided; running attempts are being ended
  policy::width_search width;                 ///< if the job does not set a number of processes
  bool looked_ahead = false;                  ///< the next job was announced to the executor
  bool is_sequential = false;                 ///< each frame depends on the previous ones
  std::string history_key;                    ///< empty until known
  std::map<int, double> past_seconds;         ///< duration of its frames in an earlier run
  double past_loading = 0;
  double past_total = 0; ///< total seconds of all its frames, by that run; 0: not known

  // Current rendering, since the first of the overlapping attempts:
  policy::timeline timeline; ///< progress and speed so far
  std::optional<int> frame;  ///< current frame of a Blender, if reported
  std::string waits_for;     ///< why it waits for a place to run elsewhere; empty if it does not
  std::optional<policy::parallel_progress> tasks; ///< if an attempt runs as many tasks

  /// The last Retry-After and the state it was computed for: see scheduler::retry_after().
  struct answer {
    aio::clock::time_point at;
    std::size_t frames_done = 0;
    int seconds = 0; ///< 0: none yet
  };
  mutable answer told;

  std::vector<frame_news> news; ///< since the watchers' last notification
  ledger_page page;

  /// The job's final state is being written.
  [[nodiscard]] bool is_closing() const noexcept { return page.is_closing; }
  [[nodiscard]] domain::frame_set pending() const { return spec.frames.without(done).without(failed); }
  /// The frames that have to end before it pauses itself; empty if it does not, or if they have ended.
  [[nodiscard]] domain::frame_set holding() const { return spec.hold_after.without(done).without(failed); }
  /// The pending frames that no running attempt has, and that it may render now.
  [[nodiscard]] domain::frame_set unassigned() const {
    auto left = spec.hold_after.empty() ? pending() : holding();
    for (const auto& [number, one] : runs)
      left = left.without(one.record.frames);
    return left;
  }
  [[nodiscard]] bool renders(int frame_number) const {
    for (const auto& [number, one] : runs)
      if (one.frame == frame_number)
        return true;
    return false;
  }
  /// Seconds of a frame, by an earlier run; nullopt if not known.
  [[nodiscard]] std::optional<double> past_frame() const {
    if (past_total <= 0)
      return std::nullopt;
    return std::max(0.0, past_total - past_loading) / static_cast<double>(spec.frames.size());
  }
  [[nodiscard]] domain::frame_order order() const {
    return is_sequential ? domain::frame_order::ascending : spec.order;
  }
  /// Several Blenders may share its frames.
  [[nodiscard]] bool is_shared() const { return spec.processes != 1 && !spec.own_process && !is_sequential; }
};

/// Whether the job's Blender stays after its frames. If sessions are switched off, a Blender expected to stay
/// exits as well, a moment after the estimate.
[[nodiscard]] inline policy::timeline::afterwards afterwards_of(const domain::job_spec& spec) {
  return spec.own_process ? policy::timeline::afterwards::exits : policy::timeline::afterwards::stays;
}

/// The fields of a log line that identify a job: "job=j…", and "trace_id=…" if there is one.
[[nodiscard]] inline std::string words_of(const store::job_record& job) {
  auto words = "job=" + job.id.str();
  if (!job.spec.trace_id.empty())
    words += " trace_id=" + job.spec.trace_id;
  return words;
}

} // namespace kiln::scheduler
