// SPDX-License-Identifier: Apache-2.0
//
// The values of Retry-After (RFC 9110, 10.2.3), whole seconds. Pure: randomness is passed in as a number in
// [0, 1). Any input, however wrong, gives 1 to 300.
//
// A poll costs one, and late detection of the end costs one for each percent of the job's time (at least one
// second). docs/policy.md has the reasons and the measurements.
#pragma once

#include "policy/estimate.hpp"

#include <optional>

namespace kiln::policy {

inline constexpr int longest_retry_after = 300; ///< seconds

/// For a running job.
[[nodiscard]] int retry_after(const frame_timing& timing, const progress& now, double random) noexcept;

/// The same with `left` from another source (many tasks at once), or unknown.
[[nodiscard]] int retry_after(const std::optional<estimate>& left, int frames_left, double elapsed,
                              double random) noexcept;

/// For a queued job, 2 to 300. `ahead`: seconds until its slot is free; `own`: its likely duration (0 if
/// unknown).
[[nodiscard]] int retry_after_queued(double ahead, double own, double random) noexcept;

/// For 429 and 503: spread evenly over `base` to 3 x `base` seconds, so that refused clients do not all
/// return at once.
[[nodiscard]] int overload_retry_after(double base, double random) noexcept;

} // namespace kiln::policy
