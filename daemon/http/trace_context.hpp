// SPDX-License-Identifier: Apache-2.0
//
// W3C Trace Context (https://www.w3.org/TR/trace-context/): pure.
#pragma once

#include "http/message.hpp"

#include <string_view>

namespace kiln::http {

/// The trace-id of a traceparent field: 32 hexadecimal digits; empty if the specification requires a receiver
/// to ignore the field.
[[nodiscard]] std::string_view parse_trace_id(std::string_view traceparent) noexcept;

/// The same for a request; also empty if it has more than one such field.
[[nodiscard]] std::string_view trace_id_of(const request& asked) noexcept;

} // namespace kiln::http
