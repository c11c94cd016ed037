// SPDX-License-Identifier: Apache-2.0
//
// What is rendered again after an attempt, and how: pure. A try is charged to the frames that it failed on,
// not to those that only came after them; a frame that has failed twice renders alone from then on, so that
// the rest of the job goes on without it.
#pragma once

#include "domain/attempt.hpp"

#include <map>

namespace kiln::policy {

using domain::remedy;

[[nodiscard]] remedy remedy_for(const domain::failure& why) noexcept;

/// How many more attempts a job gets whose Blender ended in this way before it had loaded the .blend, ever.
/// `retries`: the job's. All of its frames wait for the same thing then, so it is counted once, not by frame.
[[nodiscard]] int further_loads(domain::failure_kind kind, int retries) noexcept;

/// What is known of a frame that has failed.
struct frame_trouble {
  int tries = 0;
  domain::failure last;
};
using troubles = std::map<int, frame_trouble>;

/// The missing frames that an attempt failed on. Blender renders in order, so that is the one it was on when
/// it died; all of them when it died before the first, or went through all of them and exited with 0.
[[nodiscard]] domain::frame_set charged_frames(const domain::attempt_facts& facts);

/// The frames of the next attempt, of those that are pending (at least one): all that have not failed twice,
/// or one that has.
[[nodiscard]] domain::frame_set plan_attempt(const domain::frame_set& pending, const troubles& known);

/// Why a job failed of which `failed` of `total` frames did. `known` has each of them.
[[nodiscard]] domain::failure describe_failed_frames(const domain::frame_set& failed, std::size_t total,
                                                     const troubles& known);

} // namespace kiln::policy
