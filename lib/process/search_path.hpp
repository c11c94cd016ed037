// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace kiln::process {

/// Whether it is a file that this process may execute. Blocks.
[[nodiscard]] bool is_executable(const std::filesystem::path& file);

/// The program `name` in the first of the directories of `search_path` (as PATH: divided by ':') that has it.
/// Directories that are not absolute are passed over: they would be others in another working directory.
/// Blocks.
[[nodiscard]] std::optional<std::filesystem::path> find_program(const std::filesystem::path& name,
                                                                std::string_view search_path);

} // namespace kiln::process
