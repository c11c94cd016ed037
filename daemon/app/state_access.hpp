// SPDX-License-Identifier: Apache-2.0
//
// Access to STATE: only for kilnd's user. The store holds the secrets of webhooks, and the logs and uploads
// belong to different users of the API.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::app {

/// The maximum mode of `state`: other users have no access, or may pass through it to an output below it.
/// Both paths are absolute.
[[nodiscard]] std::filesystem::perms widest_mode_of_state(const std::filesystem::path& state,
                                                          const std::filesystem::path& output);

/// Removes the access of other users to `state`, the store and the directories of logs and uploads, and
/// creates these directories. Does not follow links. Returns lines for the log: changed modes and failures.
/// Blocks.
[[nodiscard]] std::vector<std::string> close_state(const std::filesystem::path& state,
                                                   const std::filesystem::path& output);

} // namespace kiln::app
