// SPDX-License-Identifier: Apache-2.0
//
// Where webhooks are kept, and what they are still to be told, so that it outlives the daemon. The events of
// jobs are queued by the store of the jobs, in the transaction that changes the job (sqlite_job_store).
// Errors as in job_store.hpp.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"
#include "store/webhook_record.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kiln::store {

class webhook_store {
public:
  static constexpr std::size_t most_webhooks = 100;

  virtual ~webhook_store() = default;

  /// Durable. conflict when its id is there already, or there are most_webhooks.
  [[nodiscard]] virtual aio::task<result<void>> add(webhook_record webhook) = 0;
  /// With all that waits for it. not_found when there was none.
  [[nodiscard]] virtual aio::task<result<void>> remove(webhook_id id) = 0;
  [[nodiscard]] virtual aio::task<result<std::optional<webhook_record>>> find(webhook_id id) = 0;
  /// All of them, the oldest first.
  [[nodiscard]] virtual aio::task<result<std::vector<webhook_record>>> list() = 0;

  /// Queues a test, due at once; nothing when one waits already. not_found when there is no such webhook.
  [[nodiscard]] virtual aio::task<result<void>> queue_ping(webhook_id to, std::string id, std::string payload,
                                                           time_point now) = 0;

  /// For each webhook that something waits for, what is due first; the webhook that was tried longest ago
  /// comes first.
  [[nodiscard]] virtual aio::task<result<std::vector<delivery>>> next() = 0;

  /// Writes down what became of a delivery. One that was taken enables its webhook again; one whose receiver
  /// wants no more disables it, and takes along what waits. No effect when the webhook is gone. Outlives this
  /// process; a loss of power may undo it, and then it is delivered once more.
  [[nodiscard]] virtual aio::task<result<void>> settle(delivery_outcome outcome) = 0;
};

} // namespace kiln::store
