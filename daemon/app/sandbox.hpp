// SPDX-License-Identifier: Apache-2.0
//
// The choice of Blender's sandbox: the configured one, tested with this Blender on this machine.
#pragma once

#include "aio/task.hpp"
#include "app/bounded_runs.hpp"
#include "app/config.hpp"
#include "base/error.hpp"
#include "blender/install.hpp"
#include "process/walls.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::app {

struct sandbox {
  process::mechanism how = process::mechanism::off;
  process::walls walls = {};
  std::vector<std::string> warnings = {}; ///< each a line for people
  std::vector<std::string> notes = {};    ///< the same, for facts that need no action
};

/// The path without links if the file exists, else unchanged.
[[nodiscard]] std::filesystem::path real_path(const std::filesystem::path& path);

/// Starts each Blender and its Python in it, in parallel. A sandbox that was configured by name and in which
/// one of them does not work is an error that says what to do. `auto` chooses the one in which the most work,
/// and warns of the others; it chooses none, and warns, only if no Blender works in any. On this machine
/// scripts of scenes (config::autorun) need one: none is an error then. `runs`: starts the processes; its
/// stop() ends them.
[[nodiscard]] aio::task<result<sandbox>> choose_sandbox(aio::executor_type loop, bounded_runs& runs,
                                                        const config& c,
                                                        std::vector<blender::install> blenders,
                                                        const std::vector<std::string>& environment);

} // namespace kiln::app
