// SPDX-License-Identifier: Apache-2.0
//
// kilnd token add, list and remove: the tokens' file, from a shell.
#pragma once

#include "app/config.hpp"

namespace kiln::app {

/// Prints only the new secret to standard output, and explanations to standard error; returns an exit_status.
[[nodiscard]] int run_token(const config& c);

} // namespace kiln::app
