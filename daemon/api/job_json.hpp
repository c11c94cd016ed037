// SPDX-License-Identifier: Apache-2.0
//
// Jobs between JSON and the domain: pure.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"
#include "domain/frame_set.hpp"
#include "domain/job.hpp"

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace kiln::api {

/// The body of `POST /job`: {"from":1,"to":10}. Other members are ignored, as the tutorial's server does.
[[nodiscard]] result<domain::frame_set> parse_frame_range(std::string_view body);

/// The body of its answer: {"pid":123,"id":"j…","state":"running"}.
[[nodiscard]] std::string format_accepted(std::optional<pid_t> pid, const job_id& id,
                                          domain::job_state state);

} // namespace kiln::api
