// SPDX-License-Identifier: Apache-2.0
//
// The time of day, as the store keeps it.
#pragma once

#include "store/job_record.hpp"

#include <chrono>

namespace kiln::store {

[[nodiscard]] inline time_point now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

} // namespace kiln::store
