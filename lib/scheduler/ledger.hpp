// SPDX-License-Identifier: Apache-2.0
//
// The only writer of the rows of jobs that are not final. A job has at most one write in flight; the next
// write includes all changes made meanwhile. Records stay with the job until the store has them, and a failed
// write is retried. Each write has its own revision, and the final state is the last write. Lives on the
// loop.
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

  /// `store` and `log` must outlive it.
  ledger(aio::executor_type loop, store::job_store& store, spdlog::logger& log);

  /// Adds a record to the job's next write.
  static void add(job& to, store::frame_record record);
  static void add(job& to, store::attempt_record record);

  /// Writes the job soon, in the background. No effect on a job that is closing.
  void note(const job_ptr& changed);

  /// Writes the current state of the job; completes when the store has it. unavailable: the write failed (the
  /// log has the reason) and is retried in the background; conflict: the job has ended, or its row is newer
  /// or gone.
  [[nodiscard]] aio::task<result<void>> commit(job_ptr changed, store::durability durability);

  /// From this call on the job is closing. Writes its final state durably after any write in flight, retrying
  /// until the store has it; only then does the job change. Returns false if stop() ended the retries: the
  /// next start ends the job again.
  [[nodiscard]] aio::task<bool> close(job_ptr ended, ending how);

  /// Completes once the job is not closing.
  [[nodiscard]] aio::task<> wait_closed(job_ptr which);

  /// From now on failed writes are not retried.
  void stop() noexcept { is_stopping_ = true; }
  /// Completes once no write is in flight.
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
  aio::notification written_; ///< a write has ended
  aio::task_group work_;
};

} // namespace kiln::scheduler
