// SPDX-License-Identifier: Apache-2.0
#include "slurm/queue.hpp"

#include "base/number.hpp"
#include "slurm/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace kiln::slurm {
namespace {

constexpr std::string_view mark = "kiln|";
constexpr std::string_view format = "kiln|%F|%K|%T|%S|%N|%j|%k|%r";
enum column {
  array_column = 1,
  task_column,
  state_column,
  start_column,
  node_column,
  name_column,
  comment_column,
  reason_column,
  columns
};

constexpr std::array states{
    std::pair{std::string_view{"PENDING"}, task_state::waiting},
    std::pair{std::string_view{"CONFIGURING"}, task_state::waiting}, // its node is being booted
    std::pair{std::string_view{"REQUEUED"}, task_state::waiting},
    std::pair{std::string_view{"REQUEUE_HOLD"}, task_state::waiting},
    std::pair{std::string_view{"REQUEUE_FED"}, task_state::waiting},
    std::pair{std::string_view{"RESV_DEL_HOLD"}, task_state::waiting},
    std::pair{std::string_view{"SPECIAL_EXIT"}, task_state::waiting},
    std::pair{std::string_view{"COMPLETING"}, task_state::ending},
    std::pair{std::string_view{"STAGE_OUT"}, task_state::ending},
    std::pair{std::string_view{"COMPLETED"}, task_state::completed},
    std::pair{std::string_view{"FAILED"}, task_state::failed},
    std::pair{std::string_view{"CANCELLED"}, task_state::cancelled},
    std::pair{std::string_view{"TIMEOUT"}, task_state::timed_out},
    std::pair{std::string_view{"DEADLINE"}, task_state::timed_out},
    std::pair{std::string_view{"OUT_OF_MEMORY"}, task_state::out_of_memory},
    std::pair{std::string_view{"NODE_FAIL"}, task_state::interrupted},
    std::pair{std::string_view{"PREEMPTED"}, task_state::interrupted},
    std::pair{std::string_view{"BOOT_FAIL"}, task_state::interrupted},
    std::pair{std::string_view{"REVOKED"}, task_state::interrupted},
    std::pair{std::string_view{"LAUNCH_FAILED"}, task_state::interrupted},
    std::pair{std::string_view{"RECONFIG_FAIL"}, task_state::interrupted},
};

constexpr std::array reasons{
    std::pair{std::string_view{"Resources"}, std::string_view{"no node is free"}},
    std::pair{std::string_view{"Priority"}, std::string_view{"others go first"}},
    std::pair{std::string_view{"JobHeldUser"},
              std::string_view{"somebody holds it: scontrol release lets it go"}},
    std::pair{std::string_view{"JobHeldAdmin"}, std::string_view{"an operator of the cluster holds it"}},
    std::pair{std::string_view{"PartitionDown"}, std::string_view{"its partition is down"}},
    std::pair{std::string_view{"PartitionInactive"}, std::string_view{"its partition is inactive"}},
    std::pair{std::string_view{"PartitionTimeLimit"},
              std::string_view{"its time limit is above that of the partition"}},
    std::pair{std::string_view{"PartitionConfig"}, std::string_view{"the partition has no node that fits"}},
    std::pair{std::string_view{"BadConstraints"}, std::string_view{"no node is as the job asks"}},
    std::pair{std::string_view{"ReqNodeNotAvail"},
              std::string_view{"the nodes that fit are down or reserved"}},
    std::pair{std::string_view{"BeginTime"},
              std::string_view{"it begins later: its node was lost, or somebody has said so"}},
    std::pair{std::string_view{"JobArrayTaskLimit"}, std::string_view{"as many tasks run as may at once"}},
};

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (int left = columns - 1; left > 0; --left) { // the reason comes last and may contain anything
    const auto bar = line.find('|');
    if (bar == std::string_view::npos)
      break;
    fields.push_back(line.substr(0, bar));
    line.remove_prefix(bar + 1);
  }
  fields.push_back(line);
  return fields;
}

std::optional<std::uint64_t> parse_id(std::string_view text) {
  return parse_number<std::uint64_t>(text, 1);
}

/// "7", "3-9", "1-9:2,12", each optionally followed by "%4"; "N/A" if not an array.
domain::frame_set parse_tasks(std::string_view text) {
  constexpr std::size_t most_terms = 100'000;
  std::string terms{text.substr(0, text.find('%'))};
  std::ranges::replace(terms, ':', 'x');
  auto parsed = domain::frame_set::parse(terms, most_terms);
  return parsed ? std::move(*parsed) : domain::frame_set{};
}

std::string word(std::string_view text) {
  return text == "None" || text == "(null)" || text == "N/A" ? std::string{} : std::string{text};
}

queue_row parse_row(std::uint64_t id, const std::vector<std::string_view>& fields) {
  queue_row row;
  row.array = id;
  row.tasks = parse_tasks(fields[task_column]);
  row.state = parse_task_state(fields[state_column]);
  row.start = parse_time(fields[start_column]);
  row.node = word(fields[node_column]);
  row.name = fields[name_column];
  row.comment = word(fields[comment_column]);
  row.reason = word(fields[reason_column]);
  if (row.reason.size() >= 2 && row.reason.front() == '(' && row.reason.back() == ')')
    row.reason = row.reason.substr(1, row.reason.size() - 2);
  return row;
}

} // namespace

task_state parse_task_state(std::string_view name) noexcept {
  const auto* found = std::ranges::find(states, name, &decltype(states)::value_type::first);
  return found == states.end() ? task_state::running : found->second;
}

std::vector<std::string> format_queue_arguments(std::string_view user) {
  return {"-r", "-t", "all", "-u", std::string{user}, "-o", std::string{format}};
}

result<std::vector<queue_row>> parse_queue(std::string_view text) {
  std::vector<queue_row> rows;
  bool has_header = false;
  for (const auto line : lines_of(text)) {
    if (!line.starts_with(mark))
      continue;
    const auto fields = split(line);
    if (fields.size() != columns)
      return error{errc::corrupt, "squeue prints other columns than it is asked for: " + excerpt(line)};
    if (const auto id = parse_id(fields[array_column]))
      rows.push_back(parse_row(*id, fields));
    else if (fields[array_column].starts_with("ARRAY_JOB_ID"))
      has_header = true;
    else
      return error{errc::corrupt, "squeue prints a job without a number: " + excerpt(line)};
  }
  if (!has_header)
    return error{errc::corrupt,
                 "squeue does not print what it is asked for (-o); is it wrapped? It says: " + excerpt(text)};
  return rows;
}

std::string describe_reason(std::string_view reason) {
  if (reason.empty())
    return "Slurm has not looked at it yet";
  if (is_held_after_launch(reason))
    return "its node could not start it";
  const auto* found = std::ranges::find_if(reasons, [reason](const auto& known) {
    return reason == known.first || reason.starts_with(std::string{known.first} + ",");
  });
  const auto shown = excerpt(reason);
  return found == reasons.end() ? shown : fmt::format("{} ({})", found->second, shown);
}

bool is_held_after_launch(std::string_view reason) noexcept {
  const auto has = [reason](std::string_view part) { return reason.find(part) != std::string_view::npos; };
  return has("aunch") && has("ail") &&
         has("eld"); // "launch failed requeued held", "Launch_failed_requeued_held"
}

} // namespace kiln::slurm
