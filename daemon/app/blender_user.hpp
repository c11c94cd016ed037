// SPDX-License-Identifier: Apache-2.0
//
// The user that Blender runs as, if kilnd runs as root: which one, and whether it can reach what it needs.
// See docs/decisions/0021-users.md.
#pragma once

#include "app/config.hpp"
#include "base/error.hpp"
#include "executor/workspace.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::app {

/// Sets c.blender_user from c.run_as: null if Blender runs as kilnd's own user. invalid_input, with the
/// reason, if kilnd cannot start processes of that user. Without run_as, kilnd as root takes the user of the
/// packages; c.lack_of_user says why if it cannot. Blocks.
[[nodiscard]] result<void> choose_blender_user(config& c);

/// Lines for people: Blender runs as root, and the configuration does not say that it shall; or its user can
/// write where only kilnd should. Blocks.
[[nodiscard]] std::vector<std::string> warnings_of_blender_user(const config& c);

/// Lets Blender's user pass through the state directory, its uploads and OUTPUT/.kiln, as far as they are
/// kilnd's. Returns what that user still cannot enter, each a line for people. Blocks.
[[nodiscard]] std::vector<std::string> admit_blender_user(const config& c);

/// `open`, for files that Blender's user can read; the error names that user. An upload is made readable for
/// the group of the user.
[[nodiscard]] executor::blend_opener readable_by_blender(const config& c, executor::blend_opener open);

} // namespace kiln::app
