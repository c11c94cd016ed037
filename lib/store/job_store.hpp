// SPDX-License-Identifier: Apache-2.0
//
// Where jobs are kept so that they outlive the daemon. Calls take effect in the order in which they are made.
// Errors: unavailable when it cannot be written or read now (disk full), corrupt when what is there is
// broken.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"
#include "store/job_record.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kiln::store {

/// How sure a change is once its call completes.
enum class durability {
  relaxed, ///< outlives this process; a loss of power may undo it, with all that came after
  durable, ///< outlives a loss of power
};

/// A job as it is now, with what is new of its parts; all of it is kept, or nothing.
struct change {
  job_record job;
  std::vector<frame_record> frames = {}; ///< pending ones are forgotten
  std::vector<attempt_record> attempts = {};
  std::string history_key = {}; ///< when not empty: the seconds of frames that are done go to this history
  std::optional<double> loading = {}; ///< seconds before the first frame, for the history
};

struct live_job {
  job_record job;
  std::vector<frame_record> frames;
  std::vector<attempt_record> attempts; ///< by number
};

struct job_filter {
  std::optional<domain::job_state> state = {};
  std::string tag;                   ///< any when empty
  std::string owner;                 ///< any when empty
  std::optional<job_id> before = {}; ///< older than this one
  std::size_t limit = 100;
};

/// What a client calls a request of its own, so that to ask again does not do it again (Idempotency-Key).
struct request_key {
  std::string principal; ///< who asked; keys of others are others
  std::string key;
  std::string digest; ///< of what was asked
};

struct kept_request {
  std::string digest;
  job_id job;
  std::string answer; ///< that was given; empty when that is not known
};

/// A job that is final.
struct ended_job {
  job_id id;
  time_point finished;
  std::uintmax_t bytes = 0; ///< of its frames
};

/// What frames took earlier.
struct frame_times {
  std::optional<double> loading = {}; ///< seconds
  std::map<int, double> seconds = {}; ///< by frame
};

class job_store {
public:
  virtual ~job_store() = default;

  /// A new job, durable. conflict when its id is there already.
  [[nodiscard]] virtual aio::task<result<void>> add(job_record job) = 0;

  /// The same, with the key it was asked for by: for a day. conflict also when that is there already.
  [[nodiscard]] virtual aio::task<result<void>> add_once(job_record job, request_key by) = 0;
  /// Nothing when it was not used, or more than a day ago.
  [[nodiscard]] virtual aio::task<result<std::optional<kept_request>>> find_request(std::string principal,
                                                                                    std::string key) = 0;
  /// What was answered; durable only with what comes after it.
  [[nodiscard]] virtual aio::task<result<void>> keep_answer(request_key by, std::string answer) = 0;

  /// conflict, and no change, when the job is not there, or a revision as new as this is.
  [[nodiscard]] virtual aio::task<result<void>> save(change what, durability how) = 0;

  /// With its frames and attempts. not_found when there was none.
  [[nodiscard]] virtual aio::task<result<void>> remove(job_id id) = 0;

  [[nodiscard]] virtual aio::task<result<std::optional<job_record>>> find(job_id id) = 0;
  /// The job of the newest attempt that had this pid.
  [[nodiscard]] virtual aio::task<result<std::optional<job_record>>> find_by_pid(pid_t pid) = 0;
  /// The newest first.
  [[nodiscard]] virtual aio::task<result<std::vector<job_record>>> list(job_filter filter) = 0;
  /// Frames above `after`, in their order.
  [[nodiscard]] virtual aio::task<result<std::vector<frame_record>>> frames(job_id id, int after,
                                                                            std::size_t limit) = 0;
  /// All jobs that are not final, the oldest first.
  [[nodiscard]] virtual aio::task<result<std::vector<live_job>>> load_live() = 0;
  /// The id of the newest job.
  [[nodiscard]] virtual aio::task<result<std::optional<job_id>>> newest() = 0;

  /// The job that ended first of those that are still there and, where `after` is set, ended after that one.
  [[nodiscard]] virtual aio::task<result<std::optional<ended_job>>>
  first_ended(std::optional<ended_job> after) = 0;
  /// Of the frames of all jobs.
  [[nodiscard]] virtual aio::task<result<std::uintmax_t>> frame_bytes() = 0;

  /// Empty when nothing is known.
  [[nodiscard]] virtual aio::task<result<frame_times>> history(std::string key) = 0;
};

} // namespace kiln::store
