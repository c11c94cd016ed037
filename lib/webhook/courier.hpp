// SPDX-License-Identifier: Apache-2.0
//
// Delivers the store's queued events to webhooks: a few at once, one at a time to each webhook, the least
// recently tried webhook first, so that a dead one does not delay others. Deliveries survive this process:
// each stays in the store until accepted or given up, and is sent at least once, under the same id. Runs no
// timer while nothing is queued. Lives on the loop.
#pragma once

#include "aio/task_group.hpp"
#include "store/webhook_store.hpp"
#include "webhook/schedule.hpp"
#include "webhook/sender.hpp"

#include <chrono>
#include <random>
#include <set>
#include <vector>

namespace spdlog {
class logger;
}

namespace kiln::webhook {

struct courier_settings {
  std::size_t at_once = 4;
  std::vector<wait> waits{usual_waits.begin(), usual_waits.end()}; ///< see next_wait()
  std::chrono::milliseconds after_trouble{5000}; ///< until the next try after a failure of the store
};

class courier {
public:
  /// The objects passed by reference must outlive it.
  courier(aio::executor_type loop, store::webhook_store& kept, sender& by, courier_settings s,
          spdlog::logger& log);

  /// Call once: begins with deliveries left by an earlier run.
  void start();
  /// Something may have been queued.
  void wake();

  /// Begins no more deliveries; current ones are aborted after `grace`, and retried after the next start.
  /// Completes when none is left.
  [[nodiscard]] aio::task<> stop(std::chrono::milliseconds grace);

private:
  [[nodiscard]] aio::task<> work();
  [[nodiscard]] std::chrono::milliseconds begin_due(std::vector<store::delivery> heads);
  [[nodiscard]] aio::task<> wait_for(std::chrono::milliseconds time);
  [[nodiscard]] aio::task<sent> tell(const store::delivery& what);
  [[nodiscard]] aio::task<> deliver(store::delivery what);
  [[nodiscard]] store::delivery_outcome judge(const store::delivery& what, const sent& came);
  [[nodiscard]] aio::task<> abort_after(std::chrono::milliseconds grace);

  aio::executor_type loop_;
  store::webhook_store& store_;
  sender& sender_;
  courier_settings settings_;
  spdlog::logger& log_;
  std::mt19937_64 random_;
  std::set<webhook_id> busy_; ///< webhooks with a delivery in progress
  bool changed_ = false;      ///< since the last query of the store
  bool stopping_ = false;
  aio::timer again_; ///< runs until something is due; wake() ends it
  aio::timer grace_;
  aio::task_group deliveries_;
  aio::task_group work_;
};

} // namespace kiln::webhook
