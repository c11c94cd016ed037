// SPDX-License-Identifier: Apache-2.0
//
// The order in which the frames of a job are rendered: pure.
#pragma once

#include "domain/job.hpp"

#include <cstddef>
#include <vector>

namespace kiln::policy {

/// The next frames of `left`, at most `most`. `all`: the job's frames, so that the spread order does not
/// change as frames are done.
[[nodiscard]] std::vector<int> next_frames(const domain::frame_set& all, const domain::frame_set& left,
                                           domain::frame_order order, std::size_t most);

} // namespace kiln::policy
