// SPDX-License-Identifier: Apache-2.0
//
// Delivers what the store has queued for webhooks: a few at once, one at a time to each webhook, the webhook
// first that was tried longest ago, so that a dead one holds up no other. Nothing of it is lost with this
// process: a delivery stays in the store until it was taken or given up, and is told at least once, under the
// same id. Waits for nothing while nothing is queued. Lives on the loop.
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
  std::chrono::milliseconds after_trouble{5000}; ///< until the store is asked again that could not be used
};

class courier {
public:
  /// What it is given outlives it.
  courier(aio::executor_type loop, store::webhook_store& kept, sender& by, courier_settings s,
          spdlog::logger& log);

  /// Once: begins with what an earlier life has left.
  void start();
  /// Something may have been queued.
  void wake();

  /// Begins nothing more; what is under way is aborted after `grace`, and tried again by the next life.
  /// Completes when nothing is left.
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
  std::set<webhook_id> busy_; ///< being told something
  bool changed_ = false;      ///< since the store was asked
  bool stopping_ = false;
  aio::timer again_; ///< runs until something is due; wake() ends it
  aio::timer grace_;
  aio::task_group deliveries_;
  aio::task_group work_;
};

} // namespace kiln::webhook
