// SPDX-License-Identifier: Apache-2.0
//
// Webhooks in the SQLite file of the state directory.
#pragma once

#include "store/webhook_store.hpp"

#include <memory>
#include <utility>

namespace kiln::store {

class database;

class sqlite_webhook_store final : public webhook_store {
public:
  explicit sqlite_webhook_store(std::shared_ptr<database> shared) : database_(std::move(shared)) {}

  [[nodiscard]] aio::task<result<void>> add(webhook_record webhook) override;
  [[nodiscard]] aio::task<result<void>> remove(webhook_id id) override;
  [[nodiscard]] aio::task<result<std::optional<webhook_record>>> find(webhook_id id) override;
  [[nodiscard]] aio::task<result<std::vector<webhook_record>>> list() override;
  [[nodiscard]] aio::task<result<void>> queue_ping(webhook_id to, std::string id, std::string payload,
                                                   time_point now) override;
  [[nodiscard]] aio::task<result<std::vector<delivery>>> next() override;
  [[nodiscard]] aio::task<result<void>> settle(delivery_outcome outcome) override;

private:
  std::shared_ptr<database> database_;
};

} // namespace kiln::store
