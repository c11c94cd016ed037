// SPDX-License-Identifier: Apache-2.0
//
// A limit of the processor time of an image by its pixels: a small image that takes long does not come from a
// renderer. SIGPROF ends the process at the limit.
#pragma once

#include <cstdint>

namespace kiln::decoder {

/// Starts the limit: five seconds of processor time for this process.
void begin_time_limit() noexcept;

/// Adds a second for each million pixels and for each 8 MB of them. No effect without a limit.
void allow_time_for(std::uint64_t pixels, std::uint64_t bytes) noexcept;

void end_time_limit() noexcept;

} // namespace kiln::decoder
