// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "process/child.hpp"

#include <chrono>

namespace kiln::process {

struct timed_end {
  domain::process_exit exit; ///< or unknown_exit
  bool is_late = false;      ///< it was stopped, since it took longer
};

/// child::wait() for a program that may take so long and is then stopped: SIGTERM, after its grace SIGKILL.
[[nodiscard]] aio::task<timed_end> wait_within(aio::executor_type loop, child& program,
                                               std::chrono::milliseconds limit);

} // namespace kiln::process
