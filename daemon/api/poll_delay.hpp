// SPDX-License-Identifier: Apache-2.0
//
// Measures the delay from a job's end to the answer that first reports it. Retry-After keeps it short.
#pragma once

#include "aio/task.hpp"
#include "base/histogram.hpp"
#include "scheduler/scheduler.hpp"

#include <unordered_map>

namespace kiln::api {

class poll_delay final : public scheduler::job_watcher {
public:
  poll_delay();

  /// An answer reports the job's end. Only the first one counts.
  void told(const job_id& ended);

  /// Seconds.
  [[nodiscard]] const histogram& delays() const noexcept { return delays_; }

  // scheduler::job_watcher
  void on_change(const scheduler::job& changed) override;
  void on_forgotten(const scheduler::job& gone) override;

private:
  std::unordered_map<job_id, aio::clock::time_point> unheard_; ///< ends not reported to any client yet
  histogram delays_;
};

} // namespace kiln::api
