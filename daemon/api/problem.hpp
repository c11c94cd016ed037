// SPDX-License-Identifier: Apache-2.0
//
// Errors as HTTP: the only place where a status is chosen for an error of the domain, and where the body of
// an error is written (RFC 9457, or text for the tutorial's clients below /job). Pure.
#pragma once

#include "base/error.hpp"
#include "domain/job.hpp"

#include <span>
#include <string>
#include <string_view>

namespace kiln::api {

/// invalid_input 422, not_found 404, conflict 409, unavailable 503, unsupported 415, too_large 413, no_room
/// 507, anything else 500.
[[nodiscard]] int status_of(const error& e) noexcept;

struct error_body {
  std::string_view content_type;
  std::string text;
};

/// `detail` is shown to the client as it is: never put an internal error's text here.
[[nodiscard]] error_body format_problem(int status, std::string_view detail, std::string_view path);

/// 422 for fields that cannot be taken, each with its JSON pointer.
[[nodiscard]] error_body format_field_problem(std::span<const domain::field_error> errors);

} // namespace kiln::api
