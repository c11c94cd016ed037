// SPDX-License-Identifier: Apache-2.0
//
// kilnd --check: whether kilnd could start, and with what.
#pragma once

#include "aio/task.hpp"
#include "app/config.hpp"

#include <string>
#include <vector>

namespace kiln::app {

/// Prints what it finds, and to standard error what is wrong; returns the exit_status of the start. A kilnd
/// that runs with this state directory is no error: the configuration may be meant for its restart. Its store
/// and its port are then not looked at.
[[nodiscard]] aio::task<int> check(aio::executor_type loop, const config& c,
                                   const std::vector<std::string>& environment);

} // namespace kiln::app
