// SPDX-License-Identifier: Apache-2.0
//
// The directory in which the Blender of a session works, with what lies there from its beginning.
#pragma once

#include "base/error.hpp"
#include "process/credentials.hpp"

#include <filesystem>

namespace kiln::local {

/// Creates a session directory below OUTPUT/.kiln, with Blender's scripts and its temporary directory, for
/// Blender's user. Blocks: for the pool.
[[nodiscard]] result<std::filesystem::path> make_session_directory(const std::filesystem::path& output,
                                                                   const process::credentials* user);

[[nodiscard]] std::filesystem::path temp_of_session(const std::filesystem::path& directory);

[[nodiscard]] std::filesystem::path script_of_session(const std::filesystem::path& directory);

} // namespace kiln::local
