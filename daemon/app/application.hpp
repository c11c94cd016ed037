// SPDX-License-Identifier: Apache-2.0
//
// The life of the daemon: its parts are made, what signals ask for is done, and all is taken down in a
// written order.
#pragma once

#include "app/config.hpp"

#include <string>
#include <vector>

namespace kiln::app {

/// Serves until SIGTERM or SIGINT, which end the start as well. What it could not do is in the log; returns
/// an exit_status.
[[nodiscard]] int run_daemon(config c, const std::vector<std::string>& environment);

/// --check: prints what was found; exit_ok when kilnd could start.
[[nodiscard]] int run_check(const config& c, const std::vector<std::string>& environment);

/// kilnd backup FILE.
[[nodiscard]] int run_backup(const config& c);

} // namespace kiln::app
