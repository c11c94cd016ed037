// SPDX-License-Identifier: Apache-2.0
//
// Selects the Blender on this machine for a job, from the current files. Blocks: for the pool.
#pragma once

#include "blender/install_choice.hpp"
#include "domain/job.hpp"
#include "executor/workspace.hpp"

#include <variant>
#include <vector>

namespace kiln::local {

/// See blender::choose_blender(). blend_unreadable also if the .blend cannot be read or is not a .blend.
/// `installs`: the result of installs::now().
[[nodiscard]] std::variant<blender::choice, domain::failure>
choose_blender(const std::vector<blender::install>& installs, const domain::job_spec& spec,
               const executor::blend_opener& open);

} // namespace kiln::local
