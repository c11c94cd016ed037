// SPDX-License-Identifier: Apache-2.0
//
// Whether a task is over, and how, from what its node has written and what Slurm says: pure. Neither is
// believed alone: Slurm forgets tasks after some minutes and may show one that ran to its end as held, and
// what a node writes comes late where the shared file system lags.
#pragma once

#include "domain/attempt.hpp"
#include "slurm/queue.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::slurm {

/// What the batch script writes when Blender has ended.
struct task_record {
  int status = 0; ///< as the shell has it: above 128 for a signal
  std::string node;
  std::vector<std::string> files; ///< that lay there then

  friend bool operator==(const task_record&, const task_record&) = default;
};

/// Nothing when it is not whole.
[[nodiscard]] std::optional<task_record> parse_task_record(std::string_view text);
[[nodiscard]] domain::process_exit exit_of(const task_record& record) noexcept;

struct task_view {
  std::optional<task_record> record = {}; ///< of its newest run
  double record_age = 0;                  ///< seconds since it was seen
  bool files_seen = false;                ///< all of the record's frames have come
  bool complete = false;                  ///< all its frames are published
  std::optional<task_state> state = {};   ///< by the latest look at the queue; nothing: it is not there
  bool was_queued = false;                ///< it was there once
  int looks = 0;                          ///< at the queue, in a row, by which it is over or not there
  double over_age = 0;                    ///< seconds since the first of these
};

enum class task_end {
  none,          ///< it goes on, or more has to be known
  exited,        ///< by its record
  complete,      ///< over, nobody knows how, but all frames are there
  cancelled,     ///< by somebody's scancel
  timed_out,     ///< by Slurm
  out_of_memory, ///< by Slurm
  interrupted,   ///< nobody's fault
  without_trace, ///< over by Slurm's word, and its node has written nothing
  unknown,       ///< Slurm never had it, though it has answered sbatch with its id
};

/// `lag`: seconds that the shared file system may be late.
[[nodiscard]] task_end decide_task_end(const task_view& seen, double lag) noexcept;

} // namespace kiln::slurm
