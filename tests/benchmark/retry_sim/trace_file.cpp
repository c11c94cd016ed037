// SPDX-License-Identifier: Apache-2.0
#include "retry_sim/trace_file.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <fstream>

namespace kiln::retry_sim {
namespace {

constexpr double longest = 30 * 24 * 3600.0;
constexpr std::size_t most_frames = 1'000'000;

error bad(std::string text) {
  return {errc::invalid_input, std::move(text)};
}

/// A JSON number of any kind, as a double.
std::optional<double> number(const boost::json::value& value) {
  if (!value.is_number())
    return {};
  return value.to_number<double>();
}

} // namespace

result<trace> parse_trace(std::string_view line) {
  boost::system::error_code broken;
  const auto document = boost::json::parse(line, broken);
  if (broken)
    return bad(fmt::format("not JSON ({})", broken.message()));
  const auto* members = document.if_object();
  if (!members)
    return bad("not a JSON object");

  trace job;
  const auto* family = members->if_contains("family");
  if (!family || !family->is_string() || family->get_string().empty())
    return bad("\"family\" must be a text that is not empty");
  job.family = family->get_string();

  const auto* frames = members->if_contains("frames");
  if (!frames || !frames->is_array() || frames->get_array().empty())
    return bad("\"frames\" must be an array with the seconds of at least one frame");
  if (frames->get_array().size() > most_frames)
    return bad(
        fmt::format("\"frames\" has {} frames, more than {}", frames->get_array().size(), most_frames));
  for (const auto& frame : frames->get_array()) {
    const auto seconds = number(frame);
    if (!seconds || !(*seconds >= 0 && *seconds <= longest))
      return bad(fmt::format("frame {} is {}: seconds from 0 to {} are meant", job.frames.size() + 1,
                             boost::json::serialize(frame), longest));
    job.frames.push_back(*seconds);
  }

  if (const auto* fail_at = members->if_contains("fail_at"); fail_at && !fail_at->is_null()) {
    job.fail_at = number(*fail_at);
    if (!job.fail_at || !(*job.fail_at > 0 && *job.fail_at <= longest))
      return bad(fmt::format("\"fail_at\" is {}: null, or seconds above 0 are meant",
                             boost::json::serialize(*fail_at)));
  }
  if (const double length = job.length(); !(length > 0 && length <= longest))
    return bad(fmt::format("the job takes {} s: above 0 and at most {} are meant", length, longest));
  return job;
}

result<std::vector<trace>> read_traces(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    return system_error(errno, fmt::format("open {}", path));
  std::vector<trace> jobs;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    auto job = parse_trace(line);
    if (!job)
      return error{job.error().code, fmt::format("{}:{}: {}", path, number, job.error().message)};
    jobs.push_back(std::move(*job));
  }
  if (file.bad())
    return system_error(errno, fmt::format("read {}", path));
  if (jobs.empty())
    return bad(fmt::format("{}: there is no trace in it", path));
  return jobs;
}

} // namespace kiln::retry_sim
