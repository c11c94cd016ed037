// SPDX-License-Identifier: Apache-2.0
//
// Events of jobs on their way to webhooks: queued in the transaction that changes the job. For lib/store
// only; throws SQLite::Exception.
#pragma once

#include "store/connection.hpp"
#include "store/webhook_record.hpp"

#include <vector>

namespace kiln::store {

/// What a change of a job means to webhooks; asked before the change. Nothing while there are no webhooks.
[[nodiscard]] std::vector<domain::webhook_event> events_of_change(connection& in, const job_record& changed);

/// For each webhook that wants to hear of it. False when there is none.
[[nodiscard]] bool queue_event(connection& to, domain::webhook_event event, const job_record& job,
                               const event_format& format);

} // namespace kiln::store
