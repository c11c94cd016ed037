// SPDX-License-Identifier: Apache-2.0
//
// Who may read STATE: kilnd's user alone. The store holds the secrets of webhooks, and the logs and uploads
// belong to different users of the API.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::app {

/// The most that other users may do with `state`: nothing, or pass through it to an output that lies below.
/// Both paths are absolute.
[[nodiscard]] std::filesystem::perms widest_mode_of_state(const std::filesystem::path& state,
                                                          const std::filesystem::path& output);

/// Takes the rights of other users from `state`, the store and the directories of logs and uploads, and makes
/// these directories. Links are left alone. Returns lines for the log: what was open, and what could not be
/// closed. Blocks.
[[nodiscard]] std::vector<std::string> close_state(const std::filesystem::path& state,
                                                   const std::filesystem::path& output);

} // namespace kiln::app
