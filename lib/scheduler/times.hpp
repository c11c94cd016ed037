// SPDX-License-Identifier: Apache-2.0
//
// The scheduler's two clocks: monotonic for computing, wall clock for display. Internal to this directory.
#pragma once

#include "aio/task.hpp"
#include "store/job_record.hpp"

#include <algorithm>
#include <chrono>

namespace kiln::scheduler {

/// Never negative.
[[nodiscard]] inline double seconds_between(aio::clock::time_point from, aio::clock::time_point to) {
  return std::max(0.0, std::chrono::duration<double>(to - from).count());
}

[[nodiscard]] inline store::time_point now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

} // namespace kiln::scheduler
