// SPDX-License-Identifier: Apache-2.0
//
// Removes what the rules do not keep: jobs that have ended, with their frames and logs, and uploads that
// nobody uses. It sleeps until the next thing is due, and for good when nothing can be.
#pragma once

#include "aio/task_group.hpp"
#include "blends/uploads.hpp"
#include "scheduler/scheduler.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace kiln::retention {

struct rules {
  std::optional<std::chrono::milliseconds> keep_jobs = {}; ///< since they ended; nothing: for ever
  std::optional<std::uintmax_t> job_bytes = {}; ///< of the frames of all jobs: over it, the oldest go
  std::optional<std::chrono::milliseconds> keep_uploads =
      {};                                          ///< since they were last used; nothing: for ever
  std::chrono::milliseconds after_trouble{60'000}; ///< until what could not be removed is tried again
};

class retention final : public scheduler::job_watcher {
public:
  /// What is given outlives it.
  retention(aio::executor_type loop, scheduler::scheduler& jobs, blends::uploads& sent, rules what_stays,
            spdlog::logger& log);

  void start();
  /// Something has come that will be due one day.
  void wake();
  [[nodiscard]] aio::task<> stop();

private:
  void on_change(const scheduler::job& changed) override;
  void on_forgotten(const scheduler::job& /*gone*/) override {}

  [[nodiscard]] aio::task<> work();
  [[nodiscard]] aio::task<> sleep_until(std::optional<store::time_point> due);
  /// When the next one is due.
  [[nodiscard]] aio::task<std::optional<store::time_point>> remove_jobs();
  [[nodiscard]] aio::task<std::optional<store::time_point>> remove_uploads();
  [[nodiscard]] std::optional<store::time_point> complain(const error& why);

  scheduler::scheduler& scheduler_;
  blends::uploads& uploads_;
  rules rules_;
  spdlog::logger& log_;
  aio::timer next_;
  bool changed_ = false;
  bool stopping_ = false;
  aio::task_group work_;
};

} // namespace kiln::retention
