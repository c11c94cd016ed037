// SPDX-License-Identifier: Apache-2.0
//
// Persistent storage of jobs. Calls take effect in call order. Errors: unavailable if it cannot be written or
// read now (disk full), corrupt if its content is corrupt.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"
#include "store/job_record.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kiln::store {

/// The durability of a change once its call completes.
enum class durability {
  relaxed, ///< survives this process; a loss of power may undo it and all later changes
  durable, ///< survives a loss of power
};

/// A job's current state with its new records; stored atomically.
struct change {
  job_record job;
  std::vector<frame_record> frames = {}; ///< records of pending frames are removed
  std::vector<attempt_record> attempts = {};
  std::string history_key = {};       ///< if not empty: the seconds of done frames are added to this history
  std::optional<double> loading = {}; ///< seconds before the first frame, for the history
  bool has_new_words = false;         ///< name or tags are others
};

struct live_job {
  job_record job;
  std::vector<frame_record> frames;
  std::vector<attempt_record> attempts; ///< by number
};

struct job_filter {
  std::vector<domain::job_state> states = {}; ///< empty: any
  std::string tag;                            ///< empty: any
  std::string owner;                          ///< empty: any
  std::string words = {};            ///< part of its id, name, .blend, owner or a tag; ASCII in any case
  bool oldest_first = false;         ///< otherwise the newest
  std::optional<job_id> cursor = {}; ///< jobs that follow this one in the order
  std::size_t limit = 100;
};

/// Of states that have jobs.
using job_counts = std::map<domain::job_state, std::size_t>;

/// Selects the ended jobs whose numbers are summed up.
struct statistics_wish {
  std::int64_t from_day = 0, to_day = 0; ///< of the end, both included: days since 1970-01-01 (UTC)
  bool is_by_owner = false;              ///< otherwise by day
  std::string owner = {};                ///< empty: any
};

struct statistics_row {
  std::int64_t day = 0;   ///< if they are by day
  std::string owner = {}; ///< if they are by owner; empty: jobs without
  job_counts jobs = {};
  std::uint64_t frames = 0;  ///< done
  double render_seconds = 0; ///< of all attempts
};

/// A client's key for a request, so that a repeated request has no further effect (Idempotency-Key).
struct request_key {
  std::string principal; ///< the caller; keys of different principals are distinct
  std::string key;
  std::string digest; ///< of the request's content
};

struct kept_request {
  std::string digest;
  job_id job;
  std::string answer; ///< the answer sent; empty if unknown
};

/// A job that is final.
struct ended_job {
  job_id id;
  time_point finished;
  std::uintmax_t bytes = 0; ///< size of its frames
};

/// Times of frames in earlier runs.
struct frame_times {
  std::optional<double> loading = {}; ///< seconds
  std::map<int, double> seconds = {}; ///< by frame
};

class job_store {
public:
  virtual ~job_store() = default;

  /// Adds a job durably. conflict if its id exists.
  [[nodiscard]] virtual aio::task<result<void>> add(job_record job) = 0;

  /// The same, with the request's key, which is kept for a day. conflict also if the key exists.
  [[nodiscard]] virtual aio::task<result<void>> add_once(job_record job, request_key by) = 0;
  /// Nullopt if the key was not used within a day.
  [[nodiscard]] virtual aio::task<result<std::optional<kept_request>>> find_request(std::string principal,
                                                                                    std::string key) = 0;
  /// Stores the answer; durable only with later changes.
  [[nodiscard]] virtual aio::task<result<void>> keep_answer(request_key by, std::string answer) = 0;

  /// conflict, without changes, if the job does not exist or its stored revision is not older.
  [[nodiscard]] virtual aio::task<result<void>> save(change what, durability how) = 0;

  /// Removes the job with its frames and attempts. not_found if there is none.
  [[nodiscard]] virtual aio::task<result<void>> remove(job_id id) = 0;

  [[nodiscard]] virtual aio::task<result<std::optional<job_record>>> find(job_id id) = 0;
  /// The job of the newest attempt that had this pid.
  [[nodiscard]] virtual aio::task<result<std::optional<job_record>>> find_by_pid(pid_t pid) = 0;
  [[nodiscard]] virtual aio::task<result<std::vector<job_record>>> list(job_filter filter) = 0;
  /// Jobs by state, of one owner or, if it is empty, of all. As stored: a moment behind the scheduler.
  [[nodiscard]] virtual aio::task<result<job_counts>> count(std::string owner) = 0;
  /// Of the jobs that are still there, in ascending order.
  [[nodiscard]] virtual aio::task<result<std::vector<statistics_row>>> sum_up(statistics_wish wish) = 0;
  /// Frames above `after`, in ascending order.
  [[nodiscard]] virtual aio::task<result<std::vector<frame_record>>> frames(job_id id, int after,
                                                                            std::size_t limit) = 0;
  /// The records of these frames, those of them that have one.
  [[nodiscard]] virtual aio::task<result<std::vector<frame_record>>> frames_at(job_id id,
                                                                               std::vector<int> which) = 0;
  [[nodiscard]] virtual aio::task<result<frame_states>> states_of_frames(job_id id) = 0;
  /// All jobs that are not final, oldest first.
  [[nodiscard]] virtual aio::task<result<std::vector<live_job>>> load_live() = 0;
  /// The id of the newest job.
  [[nodiscard]] virtual aio::task<result<std::optional<job_id>>> newest() = 0;

  /// The stored job that ended first, after `after` if that is set.
  [[nodiscard]] virtual aio::task<result<std::optional<ended_job>>>
  first_ended(std::optional<ended_job> after) = 0;
  /// Total bytes of the frames of all jobs.
  [[nodiscard]] virtual aio::task<result<std::uintmax_t>> frame_bytes() = 0;

  /// Empty if nothing is known.
  [[nodiscard]] virtual aio::task<result<frame_times>> history(std::string key) = 0;
};

} // namespace kiln::store
