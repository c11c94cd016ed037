// SPDX-License-Identifier: Apache-2.0
#include "client/progress.hpp"

#include <fmt/format.h>

#include <cmath>

namespace kiln::client {
namespace {

std::int64_t percent(const job_view& job) {
  return job.total > 0 ? job.done * 100 / job.total : 0;
}

std::string with_time_left(const job_view& job) {
  return job.seconds_left ? ", about " + format_time_left(*job.seconds_left) + " left" : std::string{};
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

std::string live_line(const job_view& job) {
  auto out = job.state;
  if (job.now_frame)
    out += fmt::format("  frame {}", *job.now_frame);
  if (job.sample && job.samples)
    out += fmt::format(" ({}/{} samples)", *job.sample, *job.samples);
  out += fmt::format("  {}/{} done  {} %", job.done, job.total, percent(job));
  if (job.seconds_left)
    out += "  about " + format_time_left(*job.seconds_left) + " left";
  if (!job.warnings.empty())
    out += fmt::format("  {} warning{}", job.warnings.size(), job.warnings.size() == 1 ? "" : "s");
  return out;
}

std::vector<std::string> progress_lines::next(const job_view& job) {
  std::vector<std::string> out;
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
  if (tenths_ && tenth > tenth_)
    out.push_back(
        fmt::format("{} %: {}/{} frames{}", percent(job), job.done, job.total, with_time_left(job)));
  tenth_ = std::max(tenth, tenth_);
  return out;
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
