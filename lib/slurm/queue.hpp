// SPDX-License-Identifier: Apache-2.0
//
// One look at Slurm's queue: what squeue is asked, and what its text says. Pure; any text may come, since
// sites wrap squeue, print banners and warn on standard error.
#pragma once

#include "base/error.hpp"
#include "domain/frame_set.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::slurm {

/// Slurm's states (squeue(1), JOB STATE CODES) as far as they make a difference here.
enum class task_state {
  waiting,       ///< PENDING and the like; also after a requeue
  running,       ///< it has a node
  ending,        ///< COMPLETING: Slurm waits until its node is free of it
  completed,     ///< exit status 0
  failed,        ///< another one
  cancelled,     ///< by scancel
  timed_out,     ///< its time limit was over
  out_of_memory, ///< it used more than its limit
  interrupted,   ///< NODE_FAIL, PREEMPTED, BOOT_FAIL and the like: nobody's fault
};

/// Of the long name that squeue prints. A name that nobody knows is `running`: nothing is concluded from it.
[[nodiscard]] task_state parse_task_state(std::string_view name) noexcept;

[[nodiscard]] constexpr bool is_over(task_state s) noexcept {
  return s >= task_state::completed;
}

/// A line: a task, or several that wait together.
struct queue_row {
  std::uint64_t array = 0; ///< the id of the whole array, as sbatch has answered it
  domain::frame_set tasks; ///< of the array; empty where squeue names none
  task_state state = task_state::running;
  std::optional<std::chrono::sys_seconds> start = {}; ///< of those that wait: Slurm's own estimate
  std::string node;                                   ///< empty before it has one
  std::string reason;                                 ///< why it waits, in Slurm's word; empty for "None"
  std::string name;
  std::string comment;
};

/// All jobs of a user. squeue's header is wanted: without it, silence and failure look alike.
[[nodiscard]] std::vector<std::string> format_queue_arguments(std::string_view user);

/// corrupt, saying so, when it is not what format_queue_arguments() has asked for. Lines around it are
/// passed over.
[[nodiscard]] result<std::vector<queue_row>> parse_queue(std::string_view text);

/// What keeps a task that waits, for people.
[[nodiscard]] std::string describe_reason(std::string_view reason);

/// Slurm could not start it and keeps it, though it would go the next time ("launch failed requeued held").
[[nodiscard]] bool is_held_after_launch(std::string_view reason) noexcept;

} // namespace kiln::slurm
