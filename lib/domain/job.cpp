// SPDX-License-Identifier: Apache-2.0
#include "domain/job.hpp"

#include <fmt/format.h>

namespace kiln::domain {

std::string_view to_string(job_state state) noexcept {
  switch (state) {
  case job_state::queued:
    return "queued";
  case job_state::running:
    return "running";
  case job_state::succeeded:
    return "succeeded";
  case job_state::failed:
    return "failed";
  case job_state::canceled:
    return "canceled";
  }
  return "unknown";
}

bool is_final(job_state state) noexcept {
  return state == job_state::succeeded || state == job_state::failed || state == job_state::canceled;
}

bool can_become(job_state from, job_state to) noexcept {
  switch (from) {
  case job_state::queued:
    return to == job_state::running || to == job_state::failed || to == job_state::canceled;
  case job_state::running:
    return to != job_state::running;
  case job_state::succeeded:
  case job_state::failed:
  case job_state::canceled:
    return false;
  }
  return false;
}

result<void> check_job(const job_spec& spec, const job_limits& limits) {
  if (spec.frames.empty())
    return error{errc::invalid_input, "the job has no frames"};
  if (spec.frames.size() > limits.max_frames)
    return error{
        errc::invalid_input,
        fmt::format("{} frames are more than the {} allowed for one job; split it, or raise max_frames",
                    spec.frames.size(), limits.max_frames)};
  if (!spec.blend.is_absolute())
    return error{errc::invalid_input, "the path of the .blend must be absolute"};
  if (spec.threads < 0 || spec.threads > 1024)
    return error{errc::invalid_input, "threads must lie between 0 (all) and 1024"};
  return {};
}

} // namespace kiln::domain
