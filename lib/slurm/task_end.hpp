// SPDX-License-Identifier: Apache-2.0
//
// Decides whether and how a task has ended, from its node's files and Slurm's reports: pure. Neither is
// trusted alone: Slurm forgets tasks after some minutes and may show a completed one as held, and a node's
// files arrive late if the shared file system lags.
#pragma once

#include "domain/attempt.hpp"
#include "slurm/queue.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::slurm {

/// The record that the batch script writes after Blender has ended.
struct task_record {
  int status = 0; ///< as in the shell: above 128 for a signal
  std::string node;
  std::vector<std::string> files; ///< files present at that time

  friend bool operator==(const task_record&, const task_record&) = default;
};

/// Nullopt if it is incomplete.
[[nodiscard]] std::optional<task_record> parse_task_record(std::string_view text);
[[nodiscard]] domain::process_exit exit_of(const task_record& record) noexcept;

struct task_view {
  std::optional<task_record> record = {}; ///< of its newest run
  double record_age = 0;                  ///< seconds since it was seen
  bool files_seen = false;                ///< all of the record's frames have arrived
  bool complete = false;                  ///< all its frames are published
  std::optional<task_state> state = {};   ///< by the latest poll; nullopt: not in the queue
  bool was_queued = false;                ///< it was in the queue once
  int looks = 0;                          ///< consecutive polls in which it was over or missing
  double over_age = 0;                    ///< seconds since the first of these
};

enum class task_end {
  none,          ///< still running, or not yet decidable
  exited,        ///< according to its record
  complete,      ///< over, in an unknown way, but all frames are there
  cancelled,     ///< by a scancel from outside
  timed_out,     ///< by Slurm
  out_of_memory, ///< by Slurm
  interrupted,   ///< not the task's fault
  without_trace, ///< over according to Slurm, and its node has written nothing
  unknown,       ///< Slurm never showed it, although sbatch returned its id
};

/// `lag`: longest delay of the shared file system, in seconds.
[[nodiscard]] task_end decide_task_end(const task_view& seen, double lag) noexcept;

} // namespace kiln::slurm
