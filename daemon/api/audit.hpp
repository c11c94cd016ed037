// SPDX-License-Identifier: Apache-2.0
//
// The line in the log that says who has changed what, from where, and what became of it. Pure.
#pragma once

#include "http/message.hpp"

#include <string>
#include <string_view>

namespace kiln::api {

/// "audit by=ci from=10.0.0.7 method=POST path=/v1/jobs job=j… status=202 request=…"; `by` is "-" where
/// nobody has to say who they are. Nothing for what was refused before anybody looked at it (401, 429).
[[nodiscard]] std::string format_audit(const http::request& asked, const http::prebuilt& given,
                                       std::string_view request_id);

} // namespace kiln::api
