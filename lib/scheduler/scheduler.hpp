// SPDX-License-Identifier: Apache-2.0
//
// Owns the jobs that are not final: accepts them, starts their attempts when a slot is free (by priority,
// then first come, first served), retries frames, and records results in the store, so that an acknowledged
// job is not lost. Independent of how an attempt runs (executor) and of the API (daemon/api). Lives on the
// loop.
#pragma once

#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "executor/executor.hpp"
#include "output/output_store.hpp"
#include "scheduler/job_watcher.hpp"
#include "scheduler/ledger.hpp"
#include "scheduler/settings.hpp"
#include "store/job_store.hpp"

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <unordered_map>
#include <unordered_set>

namespace kiln::scheduler {

class scheduler final : executor::attempt_observer {
public:
  using job_ptr = std::shared_ptr<const job>;

  /// All arguments passed by reference must outlive it.
  scheduler(aio::executor_type loop, executor::executor& attempts, output::output_store& output,
            store::job_store& kept, settings limits, spdlog::logger& log);

  /// Watchers are called in the order of their addition. `watcher` must outlive the scheduler's work.
  void add_watcher(job_watcher& watcher) { watchers_.push_back(&watcher); }

  /// Call once, before anything else: takes over the jobs in the store. Completes when they are in memory and
  /// attempts of an earlier run are under way.
  [[nodiscard]] aio::task<result<void>> recover();

  /// Accepts a job. On completion the job is durable in the store, and it waits in the queue, or its first
  /// attempt runs or could not be started. invalid_input: the job is not acceptable; unavailable: the queue
  /// is full, the store cannot be written, or the daemon is stopping. A caller that goes away meanwhile does
  /// not cancel the job. `owner`: the submitting principal; empty without authentication.
  [[nodiscard]] aio::task<result<job_ptr>> submit(domain::job_spec spec, std::string owner = {});
  /// The same for a repeatable request: see job_store::add_once(). Its principal owns the job.
  [[nodiscard]] aio::task<result<job_ptr>> submit_once(domain::job_spec spec, store::request_key by);

  /// See job_store.
  [[nodiscard]] aio::task<result<std::optional<store::kept_request>>> find_request(std::string principal,
                                                                                   std::string key);
  /// If it cannot be stored, that is logged, and a repeated request rebuilds the answer.
  [[nodiscard]] aio::task<> keep_answer(store::request_key by, std::string answer);

  /// Null if there is no such job in memory; look_up() finds all jobs.
  [[nodiscard]] job_ptr find(const job_id& id) const;
  /// The newest job with an attempt that had this pid.
  [[nodiscard]] job_ptr find_by_pid(pid_t pid) const;

  /// not_found if there is no such job.
  [[nodiscard]] aio::task<result<job_ptr>> look_up(job_id id);
  [[nodiscard]] aio::task<result<job_ptr>> look_up_by_pid(pid_t pid);
  [[nodiscard]] aio::task<result<std::vector<job_ptr>>> list(store::job_filter filter);

  /// Cancels a job; no effect on a final one. Durable on completion; running attempts end soon after.
  [[nodiscard]] aio::task<result<job_ptr>> cancel(job_id id);
  /// conflict if the job is final.
  [[nodiscard]] aio::task<result<job_ptr>> set_priority(job_id id, int priority);
  /// conflict if the job is final. A frame being rendered is finished first.
  [[nodiscard]] aio::task<result<job_ptr>> set_paused(job_id id, bool paused);
  [[nodiscard]] aio::task<result<job_ptr>> label(job_id id, domain::labels with);
  /// Queues the missing frames of a failed or cancelled job; conflict for any other. `which`: unless empty,
  /// the only ones of the frames that have failed; invalid_input if one of them has not.
  [[nodiscard]] aio::task<result<job_ptr>> retry(job_id id, domain::frame_set which = {});
  /// Removes a final job with its frames and logs; conflict for any other.
  [[nodiscard]] aio::task<result<void>> remove(job_id id);

  /// Retry-After for a job that is not final: seconds, 1 to 300 (policy::retry_after).
  [[nodiscard]] int retry_after(const job& of);
  /// Retry-After for a request refused for lack of room: seconds (policy::overload_retry_after).
  [[nodiscard]] int retry_after_refusal();
  /// Remaining seconds of a running job; nullopt if they cannot be estimated.
  [[nodiscard]] std::optional<policy::estimate> time_left(const job& of) const;

  [[nodiscard]] policy::load load() const noexcept;

  /// Why no attempt is started although jobs wait; empty if nothing blocks them.
  [[nodiscard]] const std::string& blocked() const noexcept { return blocked_; }
  /// Why a queued job does not run yet; empty if it only waits for its turn.
  [[nodiscard]] const std::string& waits_for(const job& of) const noexcept {
    return of.waits_for.empty() ? blocked_ : of.waits_for;
  }

  /// Accepts no more jobs, no longer lets submit() wait for an attempt, and completes when no attempt is
  /// watched and the store is up to date. Call it again after requests in progress have ended, to end the
  /// work they began.
  [[nodiscard]] aio::task<> stop(on_stop how);
  /// During stop(): kills running attempts now, without grace.
  void hurry();

private:
  using mutable_job = std::shared_ptr<job>;

  void on_adopted(const attempt_id& id, pid_t pid) override;
  void on_progress(const attempt_id& id, const blender::frame_progress& now) override;
  void on_output(const attempt_id& id, std::string_view text) override;
  void on_report(const attempt_id& id, const blender::scene_report& report) override;
  void on_warning(const attempt_id& id, const domain::warning& what) override;
  void on_published(const attempt_id& id, const executor::published_frame& frame) override;
  void on_hungry(const attempt_id& id) override;
  void on_end(const attempt_id& id, const domain::attempt_facts& facts) override;
  void on_waiting(const attempt_id& id, const std::string& why) override;
  void on_running(const attempt_id& id) override;
  void on_tasks(const attempt_id& id, policy::parallel_progress now) override;
  domain::frame_set on_task_failed(const attempt_id& id, const domain::attempt_facts& facts) override;

  // starting.cpp, attempts.cpp
  void enqueue(const mutable_job& waiting);
  void start_queued();
  [[nodiscard]] aio::task<> start(mutable_job next);
  [[nodiscard]] aio::task<> choose_blender(domain::job_spec& spec);
  [[nodiscard]] aio::task<bool> has_room();
  [[nodiscard]] executor::attempt_request begin_attempt(job& of);
  [[nodiscard]] executor::attempt_request request_for(const job& of, int number, domain::frame_set frames,
                                                      double seconds_so_far) const;
  [[nodiscard]] std::size_t slots_taken() const noexcept;
  void stop_runs(const job& of, domain::stop_reason why);
  void stop_idle_runs(const job& of);
  void end_as(const mutable_job& of, domain::job_state state, std::optional<domain::failure> failure);
  void place(const mutable_job& of);
  void block(std::string why);
  [[nodiscard]] aio::task<> wait_for_room();
  void go_on(const mutable_job& of, int number, const domain::attempt_facts& facts);
  [[nodiscard]] mutable_job current(const attempt_id& id) const;

  // sharing.cpp
  [[nodiscard]] bool is_shared(const job& of) const;
  [[nodiscard]] std::vector<int> next_piece(const job& of) const;
  [[nodiscard]] std::size_t wanted_width(const job& of) const;
  [[nodiscard]] aio::task<> feed(mutable_job of, int number);
  void widen();
  [[nodiscard]] aio::task<> widen(mutable_job of);
  void look_ahead(job& of);

  // endings.cpp
  void note(const mutable_job& changed);
  void finish(const mutable_job& done, domain::job_state state, std::optional<domain::failure> failure);
  [[nodiscard]] aio::task<> tell_end(mutable_job done, aio::task<bool> closed);
  void tell(job& changed);
  void forget_oldest();
  void forget(const job_id& id);
  [[nodiscard]] aio::task<result<job_ptr>> take(domain::job_spec spec, std::string owner,
                                                std::optional<store::request_key> by);
  [[nodiscard]] aio::task<result<void>> add_to_store(job& added, const std::optional<store::request_key>& by);
  [[nodiscard]] aio::task<result<mutable_job>> live(job_id id);
  [[nodiscard]] aio::task<result<job_ptr>> label_ended(job_id id, domain::labels with);

  // recovery.cpp
  [[nodiscard]] aio::task<mutable_job> take_up(store::live_job kept);
  [[nodiscard]] aio::task<> learn(mutable_job of);

  // scheduler.cpp, estimates.cpp
  [[nodiscard]] job_id new_id();
  [[nodiscard]] int retry_after_of_running(const job& of);
  [[nodiscard]] int retry_after_of_waiting(const job& of);
  [[nodiscard]] double chance();

  aio::executor_type loop_;
  executor::executor& executor_;
  output::output_store& output_;
  store::job_store& store_;
  settings settings_;
  spdlog::logger& log_;
  ledger ledger_;
  std::vector<job_watcher*> watchers_;
  std::mt19937_64 random_;
  job_id newest_id_;

  std::unordered_map<job_id, mutable_job> jobs_; ///< all that are not final, and the newest final ones
  std::unordered_map<pid_t, job_id> by_pid_;
  std::unordered_map<job_id, mutable_job> running_;     ///< jobs that hold a slot
  std::map<std::pair<int, job_id>, mutable_job> queue_; ///< by falling priority, then age
  std::deque<job_id> ended_;                            ///< oldest first
  std::unordered_set<job_id> reserved_;                 ///< final jobs being removed or retried
  std::size_t adding_ = 0;                              ///< jobs on their way to the store
  bool stopping_ = false;

  std::string blocked_;
  bool disk_was_full_ = false;
  std::uintmax_t needed_room_ = 0;   ///< bytes of free space to wait for, after the disk was full
  std::uintmax_t largest_frame_ = 0; ///< bytes
  aio::timer look_again_;

  aio::notification started_; ///< an attempt has started or failed to start
  aio::task_group work_;      ///< starting, ending, waiting for room
};

} // namespace kiln::scheduler
