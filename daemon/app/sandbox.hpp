// SPDX-License-Identifier: Apache-2.0
//
// Which sandbox Blender runs in here: what the configuration asks for, tried with this Blender on this
// machine.
#pragma once

#include "aio/task.hpp"
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
};

/// Runs `--version` of the usual Blender in it. What was asked for by name and cannot be had is an error that
/// says what to do; `auto` takes what works, and warns when nothing does.
[[nodiscard]] aio::task<result<sandbox>> choose_sandbox(aio::executor_type loop, const config& c,
                                                        std::vector<blender::install> blenders,
                                                        const std::vector<std::string>& environment);

} // namespace kiln::app
