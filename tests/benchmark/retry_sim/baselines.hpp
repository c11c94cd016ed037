// SPDX-License-Identifier: Apache-2.0
//
// The header policies that Kiln's own is measured against.
#pragma once

#include "retry_sim/simulation.hpp"

namespace kiln::retry_sim {

/// As in the tutorial: five seconds, always.
[[nodiscard]] header_policy fixed_policy();
/// 1, 2, 4 … 60 s: doubling since the POST, with the cap that clients like to use.
[[nodiscard]] header_policy doubling_policy();
/// The mean so far times the frames left, at most 300 s; twice what has passed while no frame is done.
[[nodiscard]] header_policy mean_times_left_policy();
/// Half of that.
[[nodiscard]] header_policy half_of_left_policy();
/// The best rule known before Kiln's: several estimates of the mean, an inspection density after Keller
/// (1974) where they disagree, and bounds for a sudden end.
[[nodiscard]] header_policy reference_policy();
/// Knows the end. The bound that no policy can reach.
[[nodiscard]] header_policy oracle_policy();

} // namespace kiln::retry_sim
