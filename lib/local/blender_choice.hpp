// SPDX-License-Identifier: Apache-2.0
//
// Which Blender of this machine renders a job, from what is on the disk now. Blocks: for the pool.
#pragma once

#include "blender/install_choice.hpp"
#include "domain/job.hpp"
#include "executor/workspace.hpp"

#include <variant>
#include <vector>

namespace kiln::local {

/// See blender::choose_blender(). blend_unreadable also when the .blend cannot be read, or is none.
/// `installs`: as installs::now() gives them.
[[nodiscard]] std::variant<blender::choice, domain::failure>
choose_blender(const std::vector<blender::install>& installs, const domain::job_spec& spec,
               const executor::blend_opener& open);

} // namespace kiln::local
