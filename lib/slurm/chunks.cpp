// SPDX-License-Identifier: Apache-2.0
#include "slurm/chunks.hpp"

#include "base/number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace kiln::slurm {
namespace {

constexpr double start_ups = 20;        // minimum render time of a task, in start-up times
constexpr double most_frames = 5'000;   // of a task: its line has a length limit
constexpr double shortest_frame = 1e-3; // seconds: keeps divisions defined

/// An undefined or negative value counts as 0.
double sane(double seconds) {
  return std::isfinite(seconds) && seconds > 0 ? std::min(seconds, 1e9) : 0;
}

} // namespace

std::size_t frames_of_a_task(std::size_t left, const pace& known, const cutting& rules) {
  if (!known.frame_seconds || left == 0)
    return 1;
  const double frame = std::max(sane(*known.frame_seconds), shortest_frame);
  const double wanted = std::max(sane(rules.target_seconds), start_ups * sane(known.start_up)) / frame;
  const auto nodes = static_cast<double>(std::max<std::size_t>(rules.parallel, 1));
  const double share = std::ceil(static_cast<double>(left) / nodes);
  const double least = std::ceil(sane(known.start_up) / frame);
  const double frames = std::min(wanted, std::max(share, least));
  return static_cast<std::size_t>(std::clamp(std::floor(frames), 1.0, most_frames));
}

std::vector<domain::frame_set> cut(const domain::frame_set& left, const domain::frame_set& alone,
                                   const pace& known, const cutting& rules) {
  std::vector<domain::frame_set> tasks;
  const auto most = std::max<std::size_t>(rules.most_tasks, 1);
  for (const int frame : alone) {
    if (tasks.size() >= most)
      return tasks;
    tasks.push_back(domain::frame_set::of({frame}));
  }
  const auto each = frames_of_a_task(left.size(), known, rules);
  const auto limit =
      known.frame_seconds ? most : std::min(most, tasks.size() + std::max<std::size_t>(rules.pilot, 1));
  std::vector<int> frames;
  for (const int frame : left) {
    if (tasks.size() >= limit)
      return tasks;
    frames.push_back(frame);
    if (frames.size() == each)
      tasks.push_back(domain::frame_set::of(std::exchange(frames, {})));
  }
  if (!frames.empty() && tasks.size() < limit)
    tasks.push_back(domain::frame_set::of(std::move(frames)));
  return tasks;
}

std::optional<std::chrono::minutes> time_limit(std::size_t frames, const pace& known, int raised) {
  if (!known.frame_seconds)
    return std::nullopt;
  constexpr double margin = 3, least = 600, most = 365.0 * 24 * 3600; // seconds
  const double seconds = sane(known.start_up) + static_cast<double>(frames) * sane(*known.frame_seconds);
  const double limit = std::max(margin * seconds, least) * std::exp2(std::clamp(raised, 0, 20));
  return std::chrono::minutes{static_cast<long>(std::ceil(std::min(limit, most) / 60))};
}

std::string format_task(const domain::frame_set& frames) {
  std::string line;
  for (const auto& [first, last, step] : frames.progressions())
    line += fmt::format("{}{} {} {}", line.empty() ? "" : " ", first, last, step);
  return line;
}

domain::frame_set parse_task(std::string_view line) {
  std::vector<int> frames;
  std::array<int, 3> numbers{};
  std::size_t count = 0;
  while (!line.empty()) {
    const auto word = line.substr(0, line.find(' '));
    const auto number = parse_number<int>(word);
    if (!number)
      return {};
    numbers[count++ % 3] = *number;
    if (count % 3 == 0) {
      const auto range = domain::frame_set::range(numbers[0], numbers[1], numbers[2]);
      if (!range)
        return {};
      frames.insert(frames.end(), range->begin(), range->end());
    }
    line.remove_prefix(std::min(word.size() + 1, line.size()));
  }
  return count % 3 == 0 ? domain::frame_set::of(std::move(frames)) : domain::frame_set{};
}

} // namespace kiln::slurm
