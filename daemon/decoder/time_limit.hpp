// SPDX-License-Identifier: Apache-2.0
//
// A bound on the processor time of an image by its pixels: a small image that takes long is no image of a
// renderer. What takes longer dies of SIGPROF.
#pragma once

#include <cstdint>

namespace kiln::decoder {

/// From here on this process may take five seconds.
void begin_time_limit() noexcept;

/// A second more for each million of pixels, and for each 8 MB that they take. No effect without a limit.
void allow_time_for(std::uint64_t pixels, std::uint64_t bytes) noexcept;

void end_time_limit() noexcept;

} // namespace kiln::decoder
