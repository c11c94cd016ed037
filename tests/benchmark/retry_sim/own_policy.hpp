// SPDX-License-Identifier: Apache-2.0
//
// Kiln's policy behind the simulator's interface.
#pragma once

#include "retry_sim/simulation.hpp"

namespace kiln::retry_sim {

/// The daemon's knowledge in addition to the completed frames.
struct knowledge {
  bool history = false; ///< the frame times of one earlier run
  bool samples = false; ///< how far the current frame is, in steps of 1/32, evenly over the frame's time
};

[[nodiscard]] header_policy own_policy(knowledge known);

} // namespace kiln::retry_sim
