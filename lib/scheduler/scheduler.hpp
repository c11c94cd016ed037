// SPDX-License-Identifier: Apache-2.0
//
// Owns the jobs: takes them, starts their attempts when a slot is free (first come, first served), and keeps
// what became of them. It does not know how an attempt runs (executor) nor who asks (daemon/api). Lives on
// the loop.
#pragma once

#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "executor/executor.hpp"
#include "policy/admission.hpp"
#include "scheduler/job.hpp"

#include <chrono>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <unordered_map>

namespace spdlog {
class logger;
}

namespace kiln::scheduler {

struct settings {
  policy::capacity capacity = {};
  domain::job_limits limits = {};
  std::size_t kept =
      10'000; ///< jobs that have ended and are still remembered; the oldest are forgotten first
};

/// Hears of jobs as they change, on the loop.
class job_watcher {
public:
  virtual void on_change(const job& changed) = 0;
  virtual void on_forgotten(const job& gone) = 0;

protected:
  ~job_watcher() = default;
};

class scheduler final : executor::attempt_observer {
public:
  using job_ptr = std::shared_ptr<const job>;

  scheduler(aio::executor_type loop, executor::executor& attempts, settings limits, spdlog::logger& log);

  /// At most one; it outlives the scheduler's work.
  void set_watcher(job_watcher* watcher) { watcher_ = watcher; }

  /// Takes a job. It completes once the job waits in the queue, or its first attempt runs or could not be
  /// started. invalid_input: not a job Kiln takes; unavailable: the queue is full, or the daemon is stopping.
  /// A caller that goes away meanwhile does not take the job with it.
  [[nodiscard]] aio::task<result<job_ptr>> submit(domain::job_spec spec);

  /// Null when there is no such job.
  [[nodiscard]] job_ptr find(const job_id& id) const;
  /// The newest job of which an attempt had this pid.
  [[nodiscard]] job_ptr find_by_pid(pid_t pid) const;

  /// When to ask again for a job that is not final: seconds, 1 to 300 (policy::retry_after).
  [[nodiscard]] int retry_after(const job& of);
  /// When to try again what was refused for lack of room: seconds (policy::overload_retry_after).
  [[nodiscard]] int retry_after_refusal();

  [[nodiscard]] policy::load load() const noexcept;

  /// Takes no more jobs, cancels those that wait, stops those that run, and completes when no attempt is
  /// left.
  [[nodiscard]] aio::task<> stop();
  /// While stop() is under way: what still runs is killed now, without grace.
  void hurry();

private:
  void on_progress(const attempt_id& id, int frame, double fraction) override;
  void on_published(const attempt_id& id, const executor::published_frame& frame) override;
  void on_end(const attempt_id& id, const domain::attempt_facts& facts) override;

  [[nodiscard]] aio::task<> start(std::shared_ptr<job> next);
  void start_queued();
  void finish(job& done, domain::job_state state, std::optional<domain::failure> failure);
  void changed(job& what);
  void forget_oldest();
  [[nodiscard]] job_id new_id();
  [[nodiscard]] std::shared_ptr<job> current(const attempt_id& id) const;
  [[nodiscard]] policy::progress progress_of(const job& of) const;
  [[nodiscard]] double guess_seconds(const job& of) const;
  [[nodiscard]] double chance();

  aio::executor_type loop_;
  executor::executor& executor_;
  settings settings_;
  spdlog::logger& log_;
  job_watcher* watcher_ = nullptr;
  std::mt19937_64 random_;

  std::unordered_map<job_id, std::shared_ptr<job>> jobs_;
  std::unordered_map<pid_t, job_id> by_pid_;
  std::unordered_map<job_id, std::shared_ptr<job>> running_; ///< they hold a slot
  std::deque<std::shared_ptr<job>> queue_;
  std::deque<job_id> ended_;                              ///< oldest first
  std::map<std::filesystem::path, double> frame_seconds_; ///< by .blend, as last measured: for jobs that wait
  bool stopping_ = false;
  aio::notification started_; ///< an attempt runs, or failed to
  aio::task_group starts_;
};

} // namespace kiln::scheduler
