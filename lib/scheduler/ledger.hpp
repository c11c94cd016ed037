// SPDX-License-Identifier: Apache-2.0
//
// The only writer of the rows of jobs that live. A job has at most one write in flight; the next write takes
// everything that has changed meanwhile. Records stay with the job until the store has them, and a write that
// fails is tried again. Each write has a revision of its own, and the final state is the last write. Lives on
// the loop.
#pragma once

#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "scheduler/job.hpp"
#include "store/job_store.hpp"

#include <memory>

namespace spdlog {
class logger;
}

namespace kiln::scheduler {

class ledger {
public:
  using job_ptr = std::shared_ptr<job>;

  /// `store` and `log` outlive it.
  ledger(aio::executor_type loop, store::job_store& store, spdlog::logger& log);

  /// Kept for the next write.
  static void add(job& to, store::frame_record record);
  static void add(job& to, store::attempt_record record);

  /// Writes the job soon, in the background. No effect on a job that is closing.
  void note(const job_ptr& changed);

  /// Writes the job as it is now; completes when the store has it. unavailable: the write failed (the log has
  /// the reason) and is tried again in the background; conflict: the job has ended, or its row is newer or
  /// gone.
  [[nodiscard]] aio::task<result<void>> commit(job_ptr changed, store::durability durability);

  /// From this call on the job is closing. Writes its final state, durable, after a write in flight, again
  /// and again until the store has it; the job changes only then. False when stop() ended that: the next
  /// start ends the job anew.
  [[nodiscard]] aio::task<bool> close(job_ptr ended, ending how);

  /// Completes when the job is not closing.
  [[nodiscard]] aio::task<> wait_closed(job_ptr which);

  /// From now on a write that fails is not tried again.
  void stop() noexcept { is_stopping_ = true; }
  /// Completes when no write is under way.
  [[nodiscard]] aio::task<> join() { return work_.join(); }

private:
  void start_writing(const job_ptr& changed);
  [[nodiscard]] aio::task<> write(job_ptr changed);
  [[nodiscard]] aio::task<result<void>> put(job_ptr changed, store::job_record row,
                                            store::durability durability);
  [[nodiscard]] aio::task<bool> write_end(job_ptr ended, ending how);
  [[nodiscard]] aio::task<> retry_later(job_ptr changed);
  [[nodiscard]] aio::task<> pause_a_moment();
  void log_failure(job& of, const error& why);

  aio::executor_type loop_;
  store::job_store& store_;
  spdlog::logger& log_;
  bool is_stopping_ = false;
  aio::notification written_; ///< a write is over
  aio::task_group work_;
};

} // namespace kiln::scheduler
