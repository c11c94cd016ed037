// SPDX-License-Identifier: Apache-2.0
//
// The expected wait of a queued job: pure.
#pragma once

#include <span>

namespace kiln::policy {

/// Seconds until a slot is free for the job behind `waiting`, first come, first served. `running`: remaining
/// seconds of each busy slot; `waiting`: duration of each job ahead in seconds; `slots`: at least the number
/// of busy ones. Unknown values are 0.
[[nodiscard]] double queue_wait(std::span<const double> running, std::span<const double> waiting,
                                std::size_t slots);

} // namespace kiln::policy
