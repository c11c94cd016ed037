// SPDX-License-Identifier: Apache-2.0
#include "slurm/submission.hpp"

#include "base/number.hpp"
#include "slurm/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace kiln::slurm {
namespace {

constexpr std::array away_words{"Unable to contact slurm controller",
                                "Socket timed out",
                                "Connection refused",
                                "temporarily unable to accept job",
                                "Zero Bytes were",
                                "in standby mode",
                                "Transport endpoint",
                                "Communication",
                                "Resource temporarily unavailable",
                                "Munge",
                                "Connection timed out",
                                "Unable to connect",
                                "Authentication credential expired",
                                "temporarily unavailable"};
constexpr std::array full_words{
    "QOSMaxSubmitJobPerUserLimit", "MaxSubmitJob", "Job violates accounting/QOS policy",
    "AssocMaxSubmitJobLimit",      "MaxJobCount",  "maximum number of jobs"};
constexpr std::array too_many_words{"Invalid job array specification"};
constexpr std::array field_words{"partition",
                                 "account",
                                 "Invalid qos",
                                 "qos",
                                 "feature",
                                 "generic resource",
                                 "gres",
                                 "node configuration",
                                 "Memory specification",
                                 "--mem",
                                 "time limit",
                                 "--time",
                                 "constraint",
                                 "reservation",
                                 "node count",
                                 "CPU count",
                                 "Access/permission denied",
                                 "not permitted",
                                 "unrecognized option",
                                 "invalid option",
                                 "Batch script contains"};

bool holds(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) {
    const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return low(a) == low(b);
  };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

template<std::size_t N>
bool holds_any(std::string_view text, const std::array<const char*, N>& parts) {
  return std::ranges::any_of(parts, [text](const char* part) { return holds(text, part); });
}

std::optional<std::uint64_t> id_in(std::string_view line) {
  constexpr std::string_view words = "Submitted batch job ";
  if (line.starts_with(words)) {
    line.remove_prefix(words.size());
    line = line.substr(0, line.find(' ')); // "… on cluster c"
  }
  const auto number = line.substr(0, line.find(';'));
  const auto cluster = line.substr(number.size());
  return cluster.find(' ') == std::string_view::npos ? parse_number<std::uint64_t>(number, 1) : std::nullopt;
}

} // namespace

std::vector<std::string> format_sbatch_arguments(const submission& s) {
  std::vector<std::string> arguments = s.site_options; // first, so that the job's options override them
  const auto add = [&arguments](const char* option, std::string_view value) {
    if (!value.empty())
      arguments.push_back(fmt::format("{}={}", option, value));
  };
  add("--partition", s.fields.partition);
  add("--account", s.fields.account);
  add("--qos", s.fields.qos);
  add("--constraint", s.fields.constraint);
  add("--gres", s.fields.gres);
  add("--mem", scale_memory(s.fields.mem, s.memory_factor));
  if (s.threads > 0)
    add("--cpus-per-task", std::to_string(s.threads));
  if (s.fields.time)
    add("--time", std::to_string(std::chrono::ceil<std::chrono::minutes>(*s.fields.time).count()));
  else if (s.time)
    add("--time", std::to_string(s.time->count()));
  add("--nice", std::to_string(nice_of(s.priority, s.nice_step)));
  const auto limit = s.at_once > 0 ? fmt::format("%{}", s.at_once) : std::string{};
  for (auto more : {std::string{"--parsable"}, std::string{"--requeue"}, std::string{"--export=ALL"},
                    std::string{"--nodes=1"}, std::string{"--ntasks=1"}, "--job-name=" + s.name.str(),
                    "--comment=kiln:" + s.owner, fmt::format("--array=1-{}{}", s.tasks, limit),
                    "--chdir=" + s.directory.native(), std::string{"--output=task-%a.out"}, s.script.native(),
                    s.directory.native(), s.final_dir.native(), s.blender})
    arguments.push_back(std::move(more));
  return arguments;
}

int nice_of(int priority, int step) noexcept {
  constexpr int most = 2'000'000'000;
  const auto nice = static_cast<std::int64_t>(domain::highest_priority - priority) * step;
  return static_cast<int>(std::clamp<std::int64_t>(nice, 0, most));
}

std::string scale_memory(std::string_view memory, int factor) {
  std::uint64_t amount = 0;
  const auto [end, ec] = std::from_chars(memory.data(), memory.data() + memory.size(), amount);
  constexpr std::uint64_t most = 1'000'000'000;
  if (ec != std::errc{} || factor <= 1 || amount == 0 || amount > most)
    return std::string{memory};
  return std::to_string(amount * static_cast<std::uint64_t>(factor)) +
         std::string{end, memory.data() + memory.size()};
}

std::optional<std::uint64_t> parse_submitted(std::string_view text) {
  std::optional<std::uint64_t> found;
  for (const auto line : lines_of(text))
    if (const auto id = id_in(line)) {
      if (found && *found != *id)
        return std::nullopt;
      found = id;
    }
  return found;
}

refusal parse_refusal(std::string_view text) noexcept {
  if (holds_any(text, full_words))
    return refusal::full;
  if (holds_any(text, away_words))
    return refusal::away;
  if (holds_any(text, too_many_words))
    return refusal::too_many;
  return holds_any(text, field_words) ? refusal::bad_field : refusal::unknown;
}

std::string describe_refusal(std::string_view text) {
  std::string said;
  for (const auto line : lines_of(text)) {
    const auto at = line.find("error: ");
    if (at == std::string_view::npos)
      continue;
    if (!said.empty())
      said += "; ";
    said += line.substr(at + 7);
  }
  return excerpt(said.empty() ? text : std::string_view{said});
}

} // namespace kiln::slurm
