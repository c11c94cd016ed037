// SPDX-License-Identifier: Apache-2.0
//
// Converts records to rows of the tables in schema.cpp and back. Internal to lib/store; throws
// SQLite::Exception, and unreadable_row for values that no Kiln has written.
#pragma once

#include "store/connection.hpp"
#include "store/job_record.hpp"

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace kiln::store {

struct unreadable_row : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Times are kept as milliseconds since 1970.
[[nodiscard]] inline std::int64_t ms(time_point t) {
  return t.time_since_epoch().count();
}
[[nodiscard]] inline time_point at(const SQLite::Column& column) {
  return time_point{std::chrono::milliseconds{column.getInt64()}};
}

/// The columns of job, in the order that read_job() expects.
#define KILN_JOB_COLUMNS                                                                                     \
  "id, state, wish, revision, blend, spec, frames_done, frames_failed, attempts, pid, render_seconds, "      \
  "created_ms, started_ms, finished_ms, failure_kind, failure_message, failure_frame, failure_status, "      \
  "failure_signal, report, owner, warnings"

[[nodiscard]] job_record read_job(SQLite::Statement& row);
void insert_job(connection& to, const job_record& job);
/// Returns false if there is no such job, or its revision is not older.
[[nodiscard]] bool update_job(connection& to, const job_record& job);

void write_frame(connection& to, const job_id& job, const frame_record& frame);
[[nodiscard]] std::vector<frame_record> read_frames(connection& from, const job_id& job, int after,
                                                    std::size_t limit);

void write_attempt(connection& to, const job_id& job, const attempt_record& attempt);
[[nodiscard]] std::vector<attempt_record> read_attempts(connection& from, const job_id& job);

} // namespace kiln::store
