// SPDX-License-Identifier: Apache-2.0
//
// The order in which the frames of a job are rendered: pure.
#pragma once

#include "domain/job.hpp"

#include <cstddef>
#include <vector>

namespace kiln::policy {

/// The next frames of `left`, at most `most`. `all` are those of the job: an order that halves distances
/// stays the same while some of it is done.
[[nodiscard]] std::vector<int> next_frames(const domain::frame_set& all, const domain::frame_set& left,
                                           domain::frame_order order, std::size_t most);

} // namespace kiln::policy
