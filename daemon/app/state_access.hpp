// SPDX-License-Identifier: Apache-2.0
//
// Access to STATE: only for kilnd's user. The store holds the secrets of webhooks, and the logs and uploads
// belong to different users of the API.
#pragma once

#include "app/config.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::app {

/// The maximum mode of the state directory: other users have no access, or may pass through it to an output
/// below it; the group of Blender's user may pass through it.
[[nodiscard]] std::filesystem::perms widest_mode_of_state(const config& c);

/// Removes the access of other users to the state directory, the store and the directories of logs and
/// uploads, and creates these directories and OUTPUT/.kiln. The group of Blender's user may pass through to
/// the uploads. Does not follow links. Returns lines for the log: changed modes and failures. Blocks.
[[nodiscard]] std::vector<std::string> close_state(const config& c);

} // namespace kiln::app
