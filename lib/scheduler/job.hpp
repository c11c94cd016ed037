// SPDX-License-Identifier: Apache-2.0
//
// A job as the scheduler has it: what the store keeps, and what only matters while it lives.
#pragma once

#include "aio/task.hpp"
#include "policy/parallel.hpp"
#include "policy/retry.hpp"
#include "policy/timeline.hpp"
#include "policy/width.hpp"
#include "scheduler/ledger_page.hpp"
#include "store/job_record.hpp"

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
  aio::clock::time_point frame_began; ///< its current frame: the end of the one before it
  std::size_t done = 0;               ///< frames that it has published
  std::optional<int> frame;           ///< that its Blender is on, where it tells
};

/// How a job ends once nothing of it renders any more.
struct ending {
  domain::job_state state = domain::job_state::failed;
  std::optional<domain::failure> failure;
};

struct job : store::job_record {
  job() = default;
  /// `kept`: as the store has it.
  explicit job(store::job_record kept) : job_record(std::move(kept)) { page.last_written = revision; }

  // Of a job that is not final.
  domain::frame_set done;             ///< published
  domain::frame_set failed;           ///< given up
  policy::troubles troubles;          ///< of frames that have failed at least once
  std::map<int, run> runs;            ///< attempts under way, by number
  std::size_t slots = 0;              ///< that it holds: for these, and for what is being started
  std::optional<ending> ends_as;      ///< decided; what still renders is being ended
  policy::width_search width;         ///< where the job leaves that to us
  bool looked_ahead = false;          ///< at the job that comes after it
  bool is_sequential = false;         ///< its frames need those before them
  std::string history_key;            ///< empty while it is not known
  std::map<int, double> past_seconds; ///< of its frames, in an earlier run
  double past_loading = 0;
  double past_total = 0; ///< seconds of all its frames then; 0 when nothing is known

  // Of what renders now: since the first attempt of those that overlap.
  policy::timeline timeline;                      ///< what it has shown of how fast it is
  std::optional<int> frame;                       ///< that a Blender is on, where it tells
  std::string waits_for;                          ///< elsewhere, for a place to run; empty when it does not
  std::optional<policy::parallel_progress> tasks; ///< where an attempt runs as many at once

  /// What Retry-After said last, and to what: see scheduler::retry_after().
  struct answer {
    aio::clock::time_point at;
    std::size_t frames_done = 0;
    int seconds = 0; ///< 0: nothing yet
  };
  mutable answer told;

  std::vector<store::frame_record> news; ///< what has become of frames since the watchers were told last
  ledger_page page;

  /// Its final state is being written.
  [[nodiscard]] bool is_closing() const noexcept { return page.is_closing; }
  [[nodiscard]] domain::frame_set pending() const { return spec.frames.without(done).without(failed); }
  /// Those of them that no attempt under way has.
  [[nodiscard]] domain::frame_set unassigned() const {
    auto left = pending();
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
  [[nodiscard]] domain::frame_order order() const {
    return is_sequential ? domain::frame_order::ascending : spec.order;
  }
  /// Several Blenders may share its frames.
  [[nodiscard]] bool is_shared() const { return spec.processes != 1 && !spec.own_process && !is_sequential; }
};

/// What becomes of the Blender of such a job. Where sessions are switched off, one that is expected to stay
/// exits as well, a moment after the estimate.
[[nodiscard]] inline policy::timeline::afterwards afterwards_of(const domain::job_spec& spec) {
  return spec.own_process ? policy::timeline::afterwards::exits : policy::timeline::afterwards::stays;
}

/// The words of a log line that say which job it is about: "job=j…", and "trace_id=…" where there is one.
[[nodiscard]] inline std::string words_of(const store::job_record& job) {
  auto words = "job=" + job.id.str();
  if (!job.spec.trace_id.empty())
    words += " trace_id=" + job.spec.trace_id;
  return words;
}

} // namespace kiln::scheduler
