// SPDX-License-Identifier: Apache-2.0
//
// The wall clock, which decides when tokens expire.
#pragma once

#include "access/expiry.hpp"

#include <chrono>

namespace kiln::access {

[[nodiscard]] inline date today() noexcept {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

} // namespace kiln::access
