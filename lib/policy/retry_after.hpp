// SPDX-License-Identifier: Apache-2.0
//
// When a client shall ask again: the values of Retry-After (RFC 9110, 10.2.3), whole seconds. Pure: chance
// comes in as a number in [0, 1). Any input, however wrong, gives 1 to 300.
//
// A poll costs one, and learning of the end late costs one for each per cent of the job's time (at least for
// each second). docs/policy.md has the reasons and the measurements.
#pragma once

#include "policy/estimate.hpp"

#include <optional>

namespace kiln::policy {

inline constexpr int longest_retry_after = 300; ///< seconds

/// For a job that runs.
[[nodiscard]] int retry_after(const frame_timing& timing, const progress& now, double random) noexcept;

/// The same where `left` is known from elsewhere (many tasks at once), or is known by nobody.
[[nodiscard]] int retry_after(const std::optional<estimate>& left, int frames_left, double elapsed,
                              double random) noexcept;

/// For a job that waits, 2 to 300: `ahead` is how many seconds the slot it gets is still taken, `own` what it
/// is likely to take itself (0 when nobody knows).
[[nodiscard]] int retry_after_queued(double ahead, double own, double random) noexcept;

/// For 429 and 503: spread evenly over `base` to 3 x `base` seconds, so that those who were refused do not
/// come back together.
[[nodiscard]] int overload_retry_after(double base, double random) noexcept;

} // namespace kiln::policy
