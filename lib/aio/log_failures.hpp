// SPDX-License-Identifier: Apache-2.0
//
// A task_group's failure handler that writes to the log.
#pragma once

#include "aio/task_group.hpp"

#include <string>

namespace spdlog {
class logger;
}

namespace kiln::aio {

/// Logs "`part` threw: …" for each exception. `log` must outlive the handler.
[[nodiscard]] task_group::failure_handler log_failures(spdlog::logger& log, std::string part);

} // namespace kiln::aio
