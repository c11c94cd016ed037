// SPDX-License-Identifier: Apache-2.0
//
// What must be there before kilnd can render: Blender, the .blend, places to write to. Said at the start (and
// by
// --check) rather than by the first job that fails.
#pragma once

#include "aio/task.hpp"
#include "app/config.hpp"
#include "base/error.hpp"
#include "blender/install.hpp"
#include "process/confinement.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kiln::app {

/// A path as it is, a name by `search_path` (as PATH). The error names what was looked for, and where.
[[nodiscard]] result<std::filesystem::path> find_executable(const std::filesystem::path& named,
                                                            const std::string& search_path);

/// The first line of `executable --version`, which runs in a directory, for at most half a minute.
[[nodiscard]] aio::task<result<std::string>> ask_version(aio::executor_type loop,
                                                         std::filesystem::path executable,
                                                         std::filesystem::path directory,
                                                         process::confinement_ptr sandbox = nullptr);

/// Each Blender of the configuration, asked for its version.
[[nodiscard]] aio::task<result<std::vector<blender::install>>>
find_blenders(aio::executor_type loop, const config& c, std::string search_path);

/// Makes the output and state directories where they are missing, and writes to them and reads the .blend to
/// try. What is wrong, each a line for people. Blocks.
[[nodiscard]] std::vector<std::string> check_files(const config& c);

/// The part of it that can change while kilnd runs, without writing: what is wrong, or nothing. Blocks.
[[nodiscard]] std::optional<std::string> check_readiness(const config& c,
                                                         const std::vector<blender::install>& blenders);

} // namespace kiln::app
