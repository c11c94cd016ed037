// SPDX-License-Identifier: Apache-2.0
#include "client/progress.hpp"

#include "base/utf8.hpp"
#include "client/pace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kiln::client {
namespace {

std::int64_t percent(const job_view& job) {
  return job.total > 0 ? job.done * 100 / job.total : 0;
}

std::string regular_line(const job_view& job) {
  const auto left = format_left(job);
  return fmt::format("{} %: {}/{} frames{}{}", percent(job), job.done, job.total, left.empty() ? "" : ", ",
                     left);
}

struct line_part {
  std::string text;
  int rank; ///< the highest is left out first
};

std::string joined(const std::vector<line_part>& parts) {
  std::string out;
  for (const auto& one : parts)
    out += (out.empty() ? "" : "  ") + one.text;
  return out;
}

} // namespace

std::string format_time_left(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::min(std::max(seconds, 0.0), 1e9)));
  constexpr std::int64_t minute = 60, hour = 3600, day = 86400;
  if (whole < 2 * minute)
    return fmt::format("{} s", whole);
  if (whole < 2 * hour)
    return fmt::format("{} min", (whole + minute / 2) / minute);
  if (whole < 2 * day)
    return fmt::format("{} h {} min", whole / hour, whole % hour / minute);
  return fmt::format("{} days", (whole + day / 2) / day);
}

std::string format_left(const job_view& job) {
  if (!job.seconds_left)
    return {};
  const auto low = format_time_left(job.least_left.value_or(*job.seconds_left));
  const auto high = format_time_left(job.most_left.value_or(*job.seconds_left));
  return low == high ? fmt::format("about {} left", format_time_left(*job.seconds_left))
                     : fmt::format("{} to {} left", low, high);
}

std::string live_line(const job_view& job, std::optional<double> frames_per_second, std::size_t columns) {
  std::vector<line_part> parts;
  const auto add = [&](std::string text, int rank) {
    if (!text.empty())
      parts.push_back({std::move(text), rank});
  };
  add(job.state, 0);
  if (job.now_frame)
    add(fmt::format("frame {}", *job.now_frame), 2);
  if (job.sample && job.samples)
    add(fmt::format("{}/{} samples", *job.sample, *job.samples), 4);
  add(fmt::format("{}/{} done", job.done, job.total), 0);
  add(fmt::format("{} %", percent(job)), 5);
  add(format_left(job), 1);
  if (frames_per_second)
    add(format_pace(*frames_per_second), 6);
  if (!job.warnings.empty())
    add(fmt::format("{} warning{}", job.warnings.size(), job.warnings.size() == 1 ? "" : "s"), 3);
  while (joined(parts).size() > columns) {
    const auto least = std::ranges::max_element(parts, {}, &line_part::rank);
    if (least->rank == 0)
      break;
    parts.erase(least);
  }
  return std::string{first_characters(joined(parts), columns)};
}

std::vector<std::string> progress_lines::next(const job_view& job, double now) {
  std::vector<std::string> out;
  last_ = job;
  for (; warnings_ < job.warnings.size(); ++warnings_)
    out.push_back("warning: " + job.warnings[warnings_]);
  if (job.is_final())
    return out; // format_end() says it
  if (job.state != state_ || job.waits_for != waits_for_) {
    auto line = fmt::format("{} {}/{}", job.state, job.done, job.total);
    if (!job.waits_for.empty())
      line += ", waits: " + job.waits_for;
    out.push_back(std::move(line));
    state_ = job.state;
    waits_for_ = job.waits_for;
  }
  const auto tenth = percent(job) / 10;
  if (regular_ && tenth > tenth_)
    out.push_back(regular_line(job));
  tenth_ = std::max(tenth, tenth_);
  if (!out.empty() || said_ == 0)
    said_ = now;
  return out;
}

std::optional<std::string> progress_lines::reminder(double now) {
  constexpr double minute = 60;
  if (!regular_ || said_ == 0 || now - said_ < minute || last_.is_final())
    return std::nullopt;
  said_ = now;
  return last_.state + " " + regular_line(last_);
}

std::string format_end(const job_view& job) {
  auto out = fmt::format("{} {}: {}/{} frames", job.id, job.state, job.done, job.total);
  if (!job.failure.empty())
    out += "\n" + job.failure;
  if (job.state == "failed" || job.state == "canceled")
    out += fmt::format(
        "\n`kiln log {0}` shows what Blender printed; `kiln retry {0}` renders the missing frames", job.id);
  return out;
}

} // namespace kiln::client
