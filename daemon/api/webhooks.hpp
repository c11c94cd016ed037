// SPDX-License-Identifier: Apache-2.0
//
// /v1/webhooks: the receivers of events, and the state of their deliveries. See docs/webhooks.md.
#pragma once

#include "http/service.hpp"
#include "store/webhook_store.hpp"
#include "webhook/courier.hpp"
#include "webhook/target.hpp"

#include <random>

namespace kiln::api {

class webhooks {
public:
  /// The objects passed by reference must outlive it.
  webhooks(store::webhook_store& kept, webhook::courier& by, webhook::target_rules targets);

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> create(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> list();
  [[nodiscard]] aio::task<http::answer> read(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> remove(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> test(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> show(int status, webhook_id id);
  [[nodiscard]] webhook_id new_id();

  store::webhook_store& store_;
  webhook::courier& courier_;
  webhook::target_rules targets_;
  std::mt19937_64 random_;
};

} // namespace kiln::api
