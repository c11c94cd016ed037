// SPDX-License-Identifier: Apache-2.0
//
// Videos as JSON. Pure.
#pragma once

#include "domain/job.hpp"
#include "preview/video.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kiln::api {

/// The settings of the video that a request asks for, or all errors of its body. `fps` is used if the body
/// has none.
[[nodiscard]] std::variant<preview::video_settings, std::vector<domain::field_error>>
parse_video_request(std::string_view body, std::optional<double> fps);

/// The frames per second of the .blend of a job, from the description of the file (JSON); nullopt if it has
/// none that a video can have.
[[nodiscard]] std::optional<double> fps_of(const std::string& report);

[[nodiscard]] boost::json::object format_job_video(const std::string& job, const preview::video& of);

} // namespace kiln::api
