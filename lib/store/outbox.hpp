// SPDX-License-Identifier: Apache-2.0
//
// Events of jobs for webhooks, queued in the transaction that changes the job. Internal to lib/store; throws
// SQLite::Exception.
#pragma once

#include "store/connection.hpp"
#include "store/webhook_record.hpp"

#include <vector>

namespace kiln::store {

/// The webhook events of a job's change; call it before the change. Empty if there are no webhooks.
[[nodiscard]] std::vector<domain::webhook_event> events_of_change(connection& in, const job_record& changed);

/// Queues the event for each subscribed webhook. Returns false if there is none.
[[nodiscard]] bool queue_event(connection& to, domain::webhook_event event, const job_record& job,
                               const event_format& format);

} // namespace kiln::store
