// SPDX-License-Identifier: Apache-2.0
//
// The text of --help. CLI11's own differs between its releases, and packaging/options makes the shipped
// files from this one.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace kiln::app {

/// Description, usage, a paragraph for each group of options, footer.
[[nodiscard]] std::string help_text(const CLI::App& app);

} // namespace kiln::app
