// SPDX-License-Identifier: Apache-2.0
//
// kilnd --check: whether kilnd could start, and with which parts.
#pragma once

#include "aio/task.hpp"
#include "app/config.hpp"

#include <string>
#include <vector>

namespace kiln::app {

/// Prints its findings, and faults to standard error; returns the exit_status that the start would have.
/// Another kilnd with this state directory is a warning, since the configuration may be meant for the restart
/// of that kilnd: its store and its port are not checked.
[[nodiscard]] aio::task<int> check(aio::executor_type loop, const config& c,
                                   const std::vector<std::string>& environment);

} // namespace kiln::app
