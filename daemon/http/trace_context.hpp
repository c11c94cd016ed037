// SPDX-License-Identifier: Apache-2.0
//
// W3C Trace Context (https://www.w3.org/TR/trace-context/): pure.
#pragma once

#include "http/message.hpp"

#include <string_view>

namespace kiln::http {

/// The trace-id of a traceparent field: 32 hexadecimal digits; empty when it is not one that the
/// specification lets a receiver use.
[[nodiscard]] std::string_view parse_trace_id(std::string_view traceparent) noexcept;

/// The same of a request; empty also when the field is given more than once.
[[nodiscard]] std::string_view trace_id_of(const request& asked) noexcept;

} // namespace kiln::http
