// SPDX-License-Identifier: Apache-2.0
//
// Removes what the rules do not keep: ended jobs with their frames and logs, and unused uploads. It sleeps
// until the next removal is due, indefinitely if there can be none.
#pragma once

#include "aio/task_group.hpp"
#include "blends/uploads.hpp"
#include "scheduler/scheduler.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace kiln::retention {

struct rules {
  std::optional<std::chrono::milliseconds> keep_jobs = {}; ///< time since their end; nullopt: forever
  std::optional<std::uintmax_t> job_bytes = {}; ///< of the frames of all jobs: beyond it, the oldest go
  std::optional<std::chrono::milliseconds> keep_uploads = {}; ///< time since their last use; nullopt: forever
  std::chrono::milliseconds after_trouble{60'000};            ///< until a failed removal is retried
};

class retention final : public scheduler::job_watcher {
public:
  /// The objects passed by reference must outlive it.
  retention(aio::executor_type loop, scheduler::scheduler& jobs, store::job_store& kept,
            blends::uploads& sent, rules what_stays, spdlog::logger& log);

  void start();
  /// Something was added that will become due.
  void wake();
  [[nodiscard]] aio::task<> stop();

private:
  void on_change(const scheduler::job& changed) override;
  void on_forgotten(const scheduler::job& /*gone*/) override {}

  [[nodiscard]] aio::task<> work();
  [[nodiscard]] aio::task<> sleep_until(std::optional<store::time_point> due);
  /// Returns when the next one is due.
  [[nodiscard]] aio::task<std::optional<store::time_point>> remove_jobs();
  [[nodiscard]] aio::task<std::optional<store::time_point>> remove_uploads();
  [[nodiscard]] std::optional<store::time_point> complain(const error& why);

  scheduler::scheduler& scheduler_;
  store::job_store& store_;
  blends::uploads& uploads_;
  rules rules_;
  spdlog::logger& log_;
  aio::timer next_;
  bool changed_ = false;
  bool stopping_ = false;
  aio::task_group work_;
};

} // namespace kiln::retention
