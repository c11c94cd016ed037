// SPDX-License-Identifier: Apache-2.0
//
// The life of the daemon: creates its parts, acts on signals, and stops the parts in a defined order.
#pragma once

#include "app/config.hpp"

#include <string>
#include <vector>

namespace kiln::app {

/// Serves until SIGTERM or SIGINT, which end the start as well. Failures are logged; returns an
/// exit_status.
[[nodiscard]] int run_daemon(config c, const std::vector<std::string>& environment);

/// --check: prints the findings; exit_ok if kilnd could start.
[[nodiscard]] int run_check(const config& c, const std::vector<std::string>& environment);

/// kilnd backup FILE.
[[nodiscard]] int run_backup(const config& c);

} // namespace kiln::app
