// SPDX-License-Identifier: Apache-2.0
//
// The lines that kilnd logs at its start: its Blenders, their sandbox, and the address to open.
#pragma once

#include "app/config.hpp"
#include "app/parts.hpp"
#include "app/sandbox.hpp"
#include "blender/install.hpp"

#include <vector>

namespace kiln::app {

/// Once the server of `p` listens.
void announce_start(const config& c, const std::vector<blender::install>& installs, const sandbox& around,
                    const parts& p, spdlog::logger& to);

} // namespace kiln::app
