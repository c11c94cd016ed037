// SPDX-License-Identifier: Apache-2.0
//
// Where the token of kiln comes from: a file, the environment, or the file of the user's configuration.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kiln::client {

struct found_token {
  std::string text;
  std::string source; ///< for messages: "KILN_TOKEN", or a path
};

/// `file`, if it is not empty; else KILN_TOKEN; else kiln/token below XDG_CONFIG_HOME (~/.config), if it
/// exists. Nullopt: there is none. usage if the file cannot be read, or others than its owner can read it.
[[nodiscard]] result<std::optional<found_token>> find_token(const std::filesystem::path& file,
                                                            const std::vector<std::string>& environment);

/// $NAME/kiln, or ~/IN_HOME/kiln; empty if neither is set. For XDG's directories.
[[nodiscard]] std::filesystem::path own_directory(const std::vector<std::string>& environment,
                                                  const char* name, const char* in_home);

} // namespace kiln::client
