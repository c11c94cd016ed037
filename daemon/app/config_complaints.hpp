// SPDX-License-Identifier: Apache-2.0
//
// The faults of a configuration, as sentences: unknown names with the nearest known one, wrong values with
// their place in the file.
#pragma once

#include "app/config_sources.hpp"

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace kiln::app {

/// A file that was read.
struct config_file {
  std::string path;
  std::vector<file_value> values;
};

/// The file that `app` has read or would read, after its parse.
[[nodiscard]] std::string file_of(const CLI::App& app, const std::string& default_file);

/// The names of all flags: "max-queued".
[[nodiscard]] std::vector<std::string> flag_names(const CLI::App& app);

/// `wrong`: a flag, or a key of the file in the form of a flag.
[[nodiscard]] std::string describe_unknown_option(const CLI::App& app, const config_file& file,
                                                  const std::string& wrong);

[[nodiscard]] std::string describe_unknown_variable(const CLI::App& app, const std::string& wrong);

/// The first value of the file that is wrong. Without `ranges` only values of a wrong type, which CLI11 would
/// take for something else.
[[nodiscard]] std::optional<std::string> wrong_value(const CLI::App& app, const config_file& file,
                                                     bool ranges);

} // namespace kiln::app
