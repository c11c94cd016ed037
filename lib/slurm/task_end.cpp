// SPDX-License-Identifier: Apache-2.0
#include "slurm/task_end.hpp"

#include "base/number.hpp"
#include "slurm/text.hpp"

#include <csignal>

namespace kiln::slurm {
namespace {

constexpr int signal_base = 128;
constexpr int enough_looks = 2; // a single one may fall between two states

bool takes_word(std::string_view& line, std::string_view word) {
  if (!line.starts_with(word))
    return false;
  line.remove_prefix(word.size());
  return true;
}

/// Slurm ends a task by these signals; its state says why.
bool may_be_slurm(const task_record& record) {
  return record.status == signal_base + SIGTERM || record.status == signal_base + SIGKILL;
}

task_end end_of_state(task_state state) {
  switch (state) {
  case task_state::cancelled:
    return task_end::cancelled;
  case task_state::timed_out:
    return task_end::timed_out;
  case task_state::out_of_memory:
    return task_end::out_of_memory;
  case task_state::interrupted:
    return task_end::interrupted;
  default:
    return task_end::without_trace;
  }
}

} // namespace

std::optional<task_record> parse_task_record(std::string_view text) {
  task_record record;
  bool has_status = false;
  for (auto line : lines_of(text)) {
    if (line == "end")
      return has_status ? std::optional{record} : std::nullopt;
    if (takes_word(line, "status ")) {
      const auto status = parse_number<int>(line, 0, 255);
      has_status = status.has_value();
      record.status = status.value_or(0);
    } else if (takes_word(line, "node ")) {
      record.node = excerpt(line);
    } else if (takes_word(line, "file ")) {
      record.files.emplace_back(line);
    }
  }
  return std::nullopt; // still being written
}

domain::process_exit exit_of(const task_record& record) noexcept {
  using how = domain::process_exit::how;
  constexpr int most_signals = 64;
  if (record.status > signal_base && record.status <= signal_base + most_signals)
    return {how::signaled, record.status - signal_base};
  return {how::exited, record.status};
}

task_end decide_task_end(const task_view& seen, double lag) noexcept {
  const bool gone = !seen.state;
  const bool settled = (gone || is_over(*seen.state)) && seen.looks >= enough_looks;
  const bool killed_by_slurm = seen.state == task_state::cancelled || seen.state == task_state::timed_out ||
                               seen.state == task_state::out_of_memory ||
                               seen.state == task_state::interrupted;
  if (seen.record && !may_be_slurm(*seen.record))
    return seen.complete || seen.files_seen || seen.record_age >= lag ? task_end::exited : task_end::none;
  if (seen.record) {
    if (seen.state == task_state::waiting) // requeued: another run follows
      return task_end::none;
    if (killed_by_slurm && settled)
      return seen.complete ? task_end::complete : end_of_state(*seen.state);
    // Blender was killed on its node, not by Slurm.
    return settled || seen.record_age >= lag ? task_end::exited : task_end::none;
  }
  if (!settled)
    return task_end::none;
  if (seen.complete)
    return task_end::complete;
  if (killed_by_slurm)
    return end_of_state(*seen.state);
  if (seen.over_age < lag) // its record and its frames may still arrive
    return task_end::none;
  if (!gone)
    return task_end::without_trace;
  return seen.was_queued ? task_end::interrupted : task_end::unknown;
}

} // namespace kiln::slurm
