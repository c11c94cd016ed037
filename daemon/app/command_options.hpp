// SPDX-License-Identifier: Apache-2.0
//
// The command lines of `kilnd backup` and `kilnd token`.
#pragma once

#include "app/config.hpp"

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace kiln::app {

/// If the first word is a command: takes its words off, gives `app`, which has all options of kilnd, those of
/// the command, and limits its --help to them. Returns the text for a command that is not whole, and for
/// `kilnd token
/// --help`.
[[nodiscard]] std::optional<early_exit> take_command(std::vector<std::string>& arguments, CLI::App& app,
                                                     config& c);

} // namespace kiln::app
