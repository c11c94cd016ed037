// SPDX-License-Identifier: Apache-2.0
//
// A poll of Slurm's queue: formats squeue's arguments and parses its output. Pure; accepts any text, since
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

/// Slurm's states (squeue(1), JOB STATE CODES), as far as they are distinguished here.
enum class task_state {
  waiting,       ///< PENDING and the like; also after a requeue
  running,       ///< has a node
  ending,        ///< COMPLETING: Slurm is cleaning up its node
  completed,     ///< exit status 0
  failed,        ///< another exit status
  cancelled,     ///< by scancel
  timed_out,     ///< reached its time limit
  out_of_memory, ///< exceeded its memory limit
  interrupted,   ///< NODE_FAIL, PREEMPTED, BOOT_FAIL and the like: not the task's fault
};

/// Parses the long name printed by squeue. An unknown name is `running`: no conclusion is drawn from it.
[[nodiscard]] task_state parse_task_state(std::string_view name) noexcept;

[[nodiscard]] constexpr bool is_over(task_state s) noexcept {
  return s >= task_state::completed;
}

/// A line: a task, or several waiting tasks.
struct queue_row {
  std::uint64_t array = 0; ///< the id of the whole array, as returned by sbatch
  domain::frame_set tasks; ///< numbers of its tasks; empty if squeue names none
  task_state state = task_state::running;
  std::optional<std::chrono::sys_seconds> start = {}; ///< of waiting tasks: Slurm's estimate
  std::string node;                                   ///< empty before it has one
  std::string reason;                                 ///< Slurm's reason for waiting; empty for "None"
  std::string name;
  std::string comment;
};

/// Asks for all jobs of a user, with squeue's header: without it, an empty queue looks like a failure.
[[nodiscard]] std::vector<std::string> format_queue_arguments(std::string_view user);

/// corrupt if it is not the output requested by format_queue_arguments(). Lines around it are ignored.
[[nodiscard]] result<std::vector<queue_row>> parse_queue(std::string_view text);

/// Why a task waits, for people.
[[nodiscard]] std::string describe_reason(std::string_view reason);

/// Whether Slurm holds the task after a failed launch that may succeed next time ("launch failed requeued
/// held").
[[nodiscard]] bool is_held_after_launch(std::string_view reason) noexcept;

} // namespace kiln::slurm
