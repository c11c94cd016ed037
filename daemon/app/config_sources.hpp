// SPDX-License-Identifier: Apache-2.0
//
// The environment and the file, in the form of flags.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace CLI {
class Config;
}

namespace kiln::app {

/// Keys are written with underscores in files, with dashes as flags.
[[nodiscard]] std::string flag_name(std::string name);

/// Reads a TOML file for CLI11, which sees it as flags.
[[nodiscard]] std::shared_ptr<CLI::Config> make_file_reader();

/// KILN_MAX_QUEUED=7 → "--max-queued=7", unless the flag is given as well.
[[nodiscard]] std::vector<std::string> flags_of_environment(const std::vector<std::string>& environment,
                                                            const std::vector<std::string>& arguments);

} // namespace kiln::app
