// SPDX-License-Identifier: Apache-2.0
//
// kilnd token add, list and remove: the tokens' file, from a shell.
#pragma once

#include "app/config.hpp"

namespace kiln::app {

/// Prints the new secret alone to standard output, and what people want to know beside it to standard error;
/// returns an exit_status.
[[nodiscard]] int run_token(const config& c);

} // namespace kiln::app
