// SPDX-License-Identifier: Apache-2.0
//
// The cheapest time of the next poll: pure. A poll costs one, and each second between the end of a job and
// its detection by the client costs 1 / max(1 s, 1 % of the job's time).
#pragma once

#include "policy/estimate.hpp"

namespace kiln::policy {

/// Seconds of staleness that cost as much as one poll, in a job of this length.
[[nodiscard]] double worth_of_a_poll(double length) noexcept;

/// Whole seconds, at least 1, after which a client should poll a job that has run for `elapsed` seconds.
/// Minimizes the expected total cost of this poll, later polls and staleness.
[[nodiscard]] double cheapest_wait(const estimate& left, double elapsed) noexcept;

} // namespace kiln::policy
