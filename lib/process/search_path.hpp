// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace kiln::process {

/// Whether this process may execute `file`. Blocks.
[[nodiscard]] bool is_executable(const std::filesystem::path& file);

/// The program `name` in the first directory of `search_path` (as PATH: separated by ':') that has it. Skips
/// relative directories, which depend on the working directory. Blocks.
[[nodiscard]] std::optional<std::filesystem::path> find_program(const std::filesystem::path& name,
                                                                std::string_view search_path);

} // namespace kiln::process
