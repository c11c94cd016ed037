// SPDX-License-Identifier: Apache-2.0
//
// Persistent storage of webhooks and their pending deliveries. The job store queues the events of jobs, in
// the transaction that changes the job (sqlite_job_store). Errors as in job_store.hpp.
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

  /// Durable. conflict if its id exists, or there are most_webhooks.
  [[nodiscard]] virtual aio::task<result<void>> add(webhook_record webhook) = 0;
  /// Removes the webhook with its pending deliveries. not_found if there is none.
  [[nodiscard]] virtual aio::task<result<void>> remove(webhook_id id) = 0;
  [[nodiscard]] virtual aio::task<result<std::optional<webhook_record>>> find(webhook_id id) = 0;
  /// All webhooks, oldest first.
  [[nodiscard]] virtual aio::task<result<std::vector<webhook_record>>> list() = 0;

  /// Queues a test, due at once, unless one is already waiting. not_found if there is no such webhook.
  [[nodiscard]] virtual aio::task<result<void>> queue_ping(webhook_id to, std::string id, std::string payload,
                                                           time_point now) = 0;

  /// The earliest due delivery of each webhook with pending ones; the least recently tried webhook first.
  [[nodiscard]] virtual aio::task<result<std::vector<delivery>>> next() = 0;

  /// Records the outcome of a delivery. An accepted one enables its webhook again; a receiver that refuses
  /// further events disables it and drops its pending deliveries. No effect if the webhook is gone. Survives
  /// this process; a loss of power may undo it and cause a repeated delivery.
  [[nodiscard]] virtual aio::task<result<void>> settle(delivery_outcome outcome) = 0;
};

} // namespace kiln::store
