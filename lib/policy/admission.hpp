// SPDX-License-Identifier: Apache-2.0
//
// Decides whether a new job can be accepted now: pure.
#pragma once

#include <cstddef>

namespace kiln::policy {

struct load {
  std::size_t running = 0; ///< running attempts
  std::size_t queued = 0;  ///< jobs that wait for a slot
};

struct capacity {
  std::size_t slots = 1;         ///< attempts that may run at once
  std::size_t max_queued = 1000; ///< jobs that may wait
};

enum class admission {
  start,  ///< a slot is free and no job waits for it
  queue,  ///< the job has to wait
  refuse, ///< the queue is full
};

[[nodiscard]] admission decide_admission(const load& now, const capacity& limits) noexcept;

} // namespace kiln::policy
