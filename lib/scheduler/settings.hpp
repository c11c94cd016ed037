// SPDX-License-Identifier: Apache-2.0
//
// The settings of the scheduler.
#pragma once

#include "domain/job.hpp"
#include "policy/admission.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kiln::scheduler {

struct settings {
  policy::capacity capacity = {};
  domain::job_limits limits = {};
  std::size_t kept = 1000;                    ///< the newest ended jobs that stay in memory
  std::uintmax_t disk_reserve = 0;            ///< bytes; no attempt is started when less is free
  std::chrono::milliseconds look_again{5000}; ///< interval of checking what keeps attempts from starting
  std::chrono::seconds stall_timeout{0};      ///< default for jobs; 0: none
  std::size_t cores = 1;                      ///< cores shared by the Blenders of one job
};

enum class on_stop {
  stop, ///< end attempts; their frames are rendered again after the next start
  leave ///< leave attempts running for the next start to take over
};

} // namespace kiln::scheduler
