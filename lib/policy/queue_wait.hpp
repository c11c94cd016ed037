// SPDX-License-Identifier: Apache-2.0
//
// How long a job that waits will have to wait: pure.
#pragma once

#include <span>

namespace kiln::policy {

/// Seconds until a slot is free for the job behind `waiting`, first come, first served. `running`: seconds
/// that each busy slot is still taken; `waiting`: seconds that each job ahead will take; `slots`: at least as
/// many as are busy. What nobody knows is 0.
[[nodiscard]] double queue_wait(std::span<const double> running, std::span<const double> waiting,
                                std::size_t slots);

} // namespace kiln::policy
