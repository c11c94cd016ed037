// SPDX-License-Identifier: Apache-2.0
//
// The wall-clock time in the store's precision.
#pragma once

#include "store/job_record.hpp"

#include <chrono>

namespace kiln::store {

[[nodiscard]] inline time_point now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

} // namespace kiln::store
