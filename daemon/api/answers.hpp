// SPDX-License-Identifier: Apache-2.0
//
// The answers of /v1: JSON for what is there, RFC 9457 for what is wrong.
#pragma once

#include "base/error.hpp"
#include "domain/job.hpp"
#include "http/message.hpp"
#include "output/results.hpp"

#include <boost/json/value.hpp>

#include <span>
#include <string>
#include <string_view>

namespace kiln::api {

inline constexpr const char* json_type = "application/json; charset=utf-8";

[[nodiscard]] http::response json_answer(int status, const boost::json::value& body);

/// `detail` is shown to the client as it is.
[[nodiscard]] http::response problem(int status, std::string_view detail);

/// 422, with a JSON pointer for each field.
[[nodiscard]] http::response field_problem(std::span<const domain::field_error> wrong);

/// 415 for a body that is not sent as JSON.
[[nodiscard]] http::response not_json();

/// The error message for a .blend outside the projects of a token.
[[nodiscard]] std::string outside_projects(const access::principal& by);

/// The problem for an error of what lies below. What is wrong inside Kiln is for its log alone.
[[nodiscard]] http::response problem_of(const error& e);
/// The same, with Retry-After where it may be over soon.
[[nodiscard]] http::answer refusal_of(const error& e);

/// The file, or the part of it that is asked for (RFC 9110, sections 13 and 14), with `head` as the answer
/// for the whole. `what` it is, for people: "the image".
[[nodiscard]] http::answer file_answer(const http::request& asked, http::response head,
                                       output::result_file file, std::string_view what);

} // namespace kiln::api
