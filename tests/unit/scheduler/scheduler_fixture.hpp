// SPDX-License-Identifier: Apache-2.0
//
// A scheduler over attempts that a test controls, and a store in memory.
#pragma once

#include "scheduler/scheduler.hpp"
#include "support/fake_executor.hpp"
#include "support/fake_job_store.hpp"
#include "support/loop.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace kiln::scheduler {

using domain::failure_kind;
using domain::job_state;
using domain::process_exit;

inline constexpr process_exit success{process_exit::how::exited, 0};
inline constexpr process_exit crash{process_exit::how::signaled, SIGSEGV};

inline domain::job_spec frames(int first, int last) {
  domain::job_spec spec;
  spec.blend = "/a.blend";
  spec.frames = *domain::frame_set::range(first, last);
  spec.retries = 0;
  return spec;
}

struct recorder final : job_watcher {
  /// A revision identifies one state, so each reported revision is newer than the one before it.
  void on_change(const job& changed) override {
    EXPECT_GT(changed.revision, std::exchange(revisions[changed.id], changed.revision));
    seen.emplace_back(changed.id, changed.state);
  }
  void on_forgotten(const job& gone) override { forgotten.push_back(gone.id); }
  std::vector<std::pair<job_id, job_state>> seen;
  std::vector<job_id> forgotten;
  std::map<job_id, std::uint64_t> revisions;
};

class scheduler_test : public tests::loop_test {
protected:
  void make(settings s) {
    scheduler_.emplace(executor(), attempts_, attempts_, store_, s, log_);
    scheduler_->add_watcher(watcher_);
  }
  aio::task<scheduler::job_ptr> submitted(int first = 1, int last = 2, int retries = 0) {
    auto spec = frames(first, last);
    spec.retries = retries;
    auto taken = co_await scheduler_->submit(std::move(spec));
    if (!taken)
      throw std::runtime_error(taken.error().message);
    co_return *taken;
  }
  static attempt_id attempt(const scheduler::job_ptr& of) { return {of->id, of->attempts}; }

  /// Runs the handlers that are ready on the loop.
  aio::task<> settle() {
    aio::timer pause{executor(), std::chrono::milliseconds{1}};
    co_await pause.async_wait(aio::use_task);
  }

  tests::fake_executor attempts_{executor()};
  tests::fake_job_store store_;
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_st>()};
  recorder watcher_;
  std::optional<scheduler> scheduler_;
};

} // namespace kiln::scheduler
