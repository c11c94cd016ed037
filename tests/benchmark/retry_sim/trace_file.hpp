// SPDX-License-Identifier: Apache-2.0
//
// Trace files: one JSON object a line, {"family": "noisy", "frames": [19.1, 1.7], "fail_at": null}.
#pragma once

#include "base/error.hpp"
#include "retry_sim/simulation.hpp"

#include <string>
#include <string_view>

namespace kiln::retry_sim {

/// One line. `family` is a non-empty text; `frames` 1 to 1 000 000 numbers from 0 on, seconds, above 0 and at
/// most 30 days in all; `fail_at` (may be left out) null or a number of seconds above 0. Other members are
/// not read. The error says what is wrong with the line.
[[nodiscard]] result<trace> parse_trace(std::string_view line);

/// The whole file; empty lines are passed over. The error names file and line.
[[nodiscard]] result<std::vector<trace>> read_traces(const std::string& path);

} // namespace kiln::retry_sim
