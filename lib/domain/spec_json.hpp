// SPDX-License-Identifier: Apache-2.0
//
// A job's fields as JSON, the one writing of them: clients send and get it, the store keeps it, and the
// settings among them go to Blender. Pure.
#pragma once

#include "domain/job.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <variant>
#include <vector>

namespace kiln::domain {

/// The fields of docs/api.md. Types and names only are judged here, values by check_job(). An unknown name is
/// an error. `blend` goes to blend_name: which file that is, is for the caller.
[[nodiscard]] std::variant<job_spec, std::vector<field_error>> parse_spec(const boost::json::object& from,
                                                                          std::size_t max_frame_terms);

/// The same, with all that could be read, whatever is wrong with the rest. What is wrong.
[[nodiscard]] std::vector<field_error> read_spec(const boost::json::object& from, std::size_t max_frame_terms,
                                                 job_spec& spec);

/// All fields that say something; parse_spec() of it gives the same spec (but for `blend`).
[[nodiscard]] boost::json::object format_spec(const job_spec& spec);

/// The settings alone, in the same writing.
[[nodiscard]] boost::json::object format_settings(const render_settings& settings);

} // namespace kiln::domain
