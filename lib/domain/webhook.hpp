// SPDX-License-Identifier: Apache-2.0
//
// Events that can be sent to a webhook.
#pragma once

#include "domain/job.hpp"

#include <optional>
#include <string_view>

namespace kiln::domain {

enum class webhook_event {
  job_started, ///< its first Blender is running
  job_succeeded,
  job_failed,
  job_canceled,
  ping, ///< a test without an event
};

/// The event's name as the API writes it: "job.succeeded".
[[nodiscard]] std::string_view to_string(webhook_event event) noexcept;
[[nodiscard]] std::optional<webhook_event> parse_webhook_event(std::string_view name) noexcept;

/// The event for a final state; nullopt for any other.
[[nodiscard]] std::optional<webhook_event> event_of_end(job_state state) noexcept;

} // namespace kiln::domain
