// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/child.hpp"

#include <chrono>

namespace kiln::process {

struct timed_end {
  domain::process_exit exit; ///< or unknown_exit
  bool is_late = false;      ///< it exceeded the limit and was stopped
};

/// child::wait() with a limit, after which the program is stopped: SIGTERM, then SIGKILL after its grace.
[[nodiscard]] aio::task<timed_end> wait_within(aio::executor_type loop, child& program,
                                               std::chrono::milliseconds limit);

} // namespace kiln::process
