// SPDX-License-Identifier: Apache-2.0
//
// Schedules retries of failed deliveries: pure. The waits are those of Standard Webhooks 1.0 ("Deliverability
// and reliability").
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <span>

namespace kiln::webhook {

using wait = std::chrono::milliseconds;

/// Eight tries over 31.5 hours.
inline constexpr std::array<wait, 7> usual_waits{
    std::chrono::seconds{5}, std::chrono::minutes{5}, std::chrono::minutes{30}, std::chrono::hours{2},
    std::chrono::hours{5},   std::chrono::hours{10},  std::chrono::hours{14}};

/// The longest accepted Retry-After of a receiver.
inline constexpr std::chrono::hours longest_asked{24};

/// The wait after the `failed`-th try (from 1) has failed; nullopt if it was the last. Between 0.8 and 1.2
/// times the wait of the schedule, by `chance` (0 to 1), so that deliveries that failed together are not
/// retried together; at least the receiver's Retry-After.
[[nodiscard]] std::optional<wait> next_wait(std::span<const wait> schedule, int failed, double chance,
                                            std::optional<std::chrono::seconds> asked);

} // namespace kiln::webhook
