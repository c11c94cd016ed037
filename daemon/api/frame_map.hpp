// SPDX-License-Identifier: Apache-2.0
//
// What has become of all frames of a job, in few bytes however many there are. Pure.
#pragma once

#include "domain/frame_set.hpp"
#include "store/job_record.hpp"

#include <boost/json/object.hpp>

namespace kiln::api {

/// `rendering`: neither done nor failed.
[[nodiscard]] boost::json::object format_frame_map(const domain::frame_set& all,
                                                   const store::frame_states& now,
                                                   const domain::frame_set& rendering);

} // namespace kiln::api
