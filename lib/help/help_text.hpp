// SPDX-License-Identifier: Apache-2.0
//
// The text of --help, of kilnd and of kiln. CLI11's own differs between its releases, and packaging/options
// and packaging/command make the shipped files from this one.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace kiln::help {

/// Description, usage, a paragraph for each group of options, the subcommands, footer. Of a subcommand: with
/// the name and the footer of the program.
[[nodiscard]] std::string help_text(const CLI::App& app);

/// --help of the program and of its subcommands gives this text.
void use_help_text(CLI::App& app);

} // namespace kiln::help
