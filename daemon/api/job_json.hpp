// SPDX-License-Identifier: Apache-2.0
//
// Jobs between JSON and the domain: pure.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "domain/frame_set.hpp"
#include "domain/job.hpp"
#include "scheduler/job.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sys/types.h>

namespace kiln::api {

/// The body of `POST /job`: {"from":1,"to":10}. Other members are ignored, as the tutorial's server does.
[[nodiscard]] result<domain::frame_set> parse_frame_range(std::string_view body);

/// The body of its answer: {"pid":123,"id":"j…","state":"running"}.
[[nodiscard]] std::string format_accepted(std::optional<pid_t> pid, const job_id& id,
                                          domain::job_state state);

/// A job of /v1/jobs as requested; its .blend is not resolved yet. `threads`: default of the member
/// "threads".
[[nodiscard]] std::variant<domain::job_spec, std::vector<domain::field_error>>
parse_job(std::string_view body, int threads);

/// The same, but reads all valid fields even if others are invalid. Returns the errors: one of the whole body
/// (an empty pointer; nothing was read), or those of fields.
[[nodiscard]] std::vector<domain::field_error> read_job(std::string_view body, int threads,
                                                        domain::job_spec& into);

/// The fields that `PATCH` may change.
struct job_patch {
  domain::labels words = {};
  std::optional<int> priority = {};
  std::optional<bool> paused = {};
};
[[nodiscard]] std::variant<job_patch, std::vector<domain::field_error>> parse_patch(std::string_view body);

/// The body of a request for the same job again, with the changes of a merge patch (RFC 7396).
[[nodiscard]] result<std::string> format_copy(const domain::job_spec& of, std::string_view patch);

/// The body of a retry: {"frames":"17,20-25"}, or {} for all that are missing, which is the empty set.
[[nodiscard]] result<domain::frame_set> parse_retry(std::string_view body);

/// Facts about a job that hold only now.
struct job_now {
  std::optional<policy::estimate> left = {}; ///< remaining time of a running job, if it can be estimated
  std::string_view blocked = {};             ///< the reason why no attempt is started
};
[[nodiscard]] boost::json::object format_job(const scheduler::job& of, const job_now& now);
/// The same in about 300 bytes, for lists.
[[nodiscard]] boost::json::object format_job_row(const scheduler::job& of, const job_now& now);

/// A frame of a job. `known`: null for a pending frame.
[[nodiscard]] boost::json::object format_frame(const job_id& of, int frame, const store::frame_record* known,
                                               bool renders);

/// The further files of a frame that is done: names of blender/output_name.hpp.
[[nodiscard]] boost::json::array format_outputs(const job_id& of, const std::vector<std::string>& names);

/// "2026-11-24T02:37:36.120Z" (RFC 3339).
[[nodiscard]] std::string format_time(store::time_point t);
[[nodiscard]] boost::json::value time_or_null(const std::optional<store::time_point>& t);

} // namespace kiln::api
