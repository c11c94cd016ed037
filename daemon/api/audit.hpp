// SPDX-License-Identifier: Apache-2.0
//
// The log line about a request for a change: its principal, its address and its outcome. Pure.
#pragma once

#include "http/message.hpp"

#include <string>
#include <string_view>

namespace kiln::api {

/// "audit by=ci from=10.0.0.7 method=POST path=/v1/jobs job=j… status=202 request=…"; `by` is "-"
/// without authentication. Empty for requests that were refused before a handler saw them (401, 429).
[[nodiscard]] std::string format_audit(const http::request& asked, const http::prebuilt& given,
                                       std::string_view request_id);

} // namespace kiln::api
