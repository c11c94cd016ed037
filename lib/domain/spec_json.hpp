// SPDX-License-Identifier: Apache-2.0
//
// A job's fields as JSON, in one format for all uses: clients send and receive it, the store keeps it, and
// the settings are passed to Blender. Pure.
#pragma once

#include "domain/job.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <variant>
#include <vector>

namespace kiln::domain {

/// Reads the fields of docs/api.md. Checks only types and names; check_job() checks values. An unknown name
/// is an error. `blend` goes to blend_name; the caller resolves it to a file. Without `frames` there are
/// none, and settings.frames_of_file is set.
[[nodiscard]] std::variant<job_spec, std::vector<field_error>> parse_spec(const boost::json::object& from,
                                                                          std::size_t max_frame_terms);

/// The same, but fills in all readable fields even if others are wrong. Returns the errors.
[[nodiscard]] std::vector<field_error> read_spec(const boost::json::object& from, std::size_t max_frame_terms,
                                                 job_spec& spec);

/// All fields that are set; parse_spec() of it gives the same spec (except `blend`).
[[nodiscard]] boost::json::object format_spec(const job_spec& spec);

/// The settings only, in the same format.
[[nodiscard]] boost::json::object format_settings(const render_settings& settings);

} // namespace kiln::domain
