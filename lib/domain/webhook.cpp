// SPDX-License-Identifier: Apache-2.0
#include "domain/webhook.hpp"

#include <algorithm>
#include <array>

namespace kiln::domain {
namespace {

constexpr std::array<std::string_view, 5> event_names{"job.started", "job.succeeded", "job.failed",
                                                      "job.canceled", "ping"}; // as webhook_event

} // namespace

std::string_view to_string(webhook_event event) noexcept {
  return event_names.at(static_cast<std::size_t>(event));
}

std::optional<webhook_event> parse_webhook_event(std::string_view name) noexcept {
  const auto* found = std::ranges::find(event_names, name);
  if (found == event_names.end())
    return std::nullopt;
  return static_cast<webhook_event>(found - event_names.begin());
}

std::optional<webhook_event> event_of_end(job_state state) noexcept {
  switch (state) {
  case job_state::succeeded:
    return webhook_event::job_succeeded;
  case job_state::failed:
    return webhook_event::job_failed;
  case job_state::canceled:
    return webhook_event::job_canceled;
  default:
    return std::nullopt;
  }
}

} // namespace kiln::domain
