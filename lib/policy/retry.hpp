// SPDX-License-Identifier: Apache-2.0
//
// Decides what is rendered again after an attempt, and how: pure. A try is charged to the frames that failed,
// not to those after them; a frame that has failed twice renders alone from then on, so that the rest of the
// job continues without it.
#pragma once

#include "domain/attempt.hpp"

#include <map>

namespace kiln::policy {

using domain::remedy;

[[nodiscard]] remedy remedy_for(const domain::failure& why) noexcept;

/// The number of further attempts of a job whose Blender failed in this way without ever loading the .blend.
/// `retries`: the job's. The failure affects all its frames alike, so it is counted once, not per frame.
[[nodiscard]] int further_loads(domain::failure_kind kind, int retries) noexcept;

/// The failures of a frame.
struct frame_trouble {
  int tries = 0;
  domain::failure last;
};
using troubles = std::map<int, frame_trouble>;

/// The missing frames to charge for a failed attempt. Blender renders in order, so that is the one it was
/// rendering when it died; all of them if it died before the first, or processed all of them and exited with
/// 0.
[[nodiscard]] domain::frame_set charged_frames(const domain::attempt_facts& facts);

/// The frames of the next attempt from `pending` (at least one): all that have not failed twice, or one that
/// has.
[[nodiscard]] domain::frame_set plan_attempt(const domain::frame_set& pending, const troubles& known);

/// The failure of a job with `failed` of `total` frames failed. `known` contains each of them.
[[nodiscard]] domain::failure describe_failed_frames(const domain::frame_set& failed, std::size_t total,
                                                     const troubles& known);

} // namespace kiln::policy
