// SPDX-License-Identifier: Apache-2.0
#include "client/pace.hpp"

#include <fmt/format.h>

namespace kiln::client {

void pace::add(const job_view& job, double now) {
  constexpr std::size_t most = 20;
  if (job.state != "running" || (!ends_.empty() && job.done < ends_.back().second)) {
    ends_.clear(); // a pause or a retry is no slow frame
    return;
  }
  if (!ends_.empty() && job.done == ends_.back().second)
    return;
  ends_.emplace_back(now, job.done);
  if (ends_.size() > most)
    ends_.pop_front();
}

std::optional<double> pace::frames_per_second() const {
  constexpr std::size_t least = 3; // the first is when the watcher came, in the midst of a frame
  if (ends_.size() < least)
    return std::nullopt;
  const auto& [begin, before] = *std::next(ends_.begin());
  const auto& [end, after] = ends_.back();
  if (end <= begin)
    return std::nullopt;
  return static_cast<double>(after - before) / (end - begin);
}

std::string format_pace(double frames_per_second) {
  constexpr double minute = 60, hour = 3600, from_ten = 10;
  const auto text = [](double value, const char* unit) {
    return value < from_ten ? fmt::format("{:.1f} frames/{}", value, unit)
                            : fmt::format("{:.0f} frames/{}", value, unit);
  };
  if (frames_per_second >= 1)
    return text(frames_per_second, "s");
  if (frames_per_second * minute >= 1)
    return text(frames_per_second * minute, "min");
  return text(frames_per_second * hour, "h");
}

} // namespace kiln::client
