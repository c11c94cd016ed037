// SPDX-License-Identifier: Apache-2.0
#include "store/rows.hpp"

#include "domain/spec_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include <SQLiteCpp/Column.h>

namespace kiln::store {
namespace {

namespace json = boost::json;
using domain::failure;

constexpr std::array wishes{"run", "pause", "cancel"};               // as intent
constexpr std::array frame_state_words{"pending", "done", "failed"}; // as frame_record::state

template<class Enum, std::size_t Size>
Enum parse_name(const std::array<const char*, Size>& names, const std::string& name) {
  const auto* found = std::ranges::find(names, std::string_view{name});
  if (found == names.end())
    throw unreadable_row("unknown word " + name);
  return static_cast<Enum>(found - names.begin());
}

template<class T, class Convert>
auto optional(const T& column, Convert convert) -> std::optional<decltype(convert(column))> {
  if (column.isNull())
    return std::nullopt;
  return convert(column);
}

int as_int(const SQLite::Column& column) {
  return column.getInt();
}

void bind_optional(SQLite::Statement& to, int index, const std::optional<int>& value) {
  if (value)
    to.bind(index, *value);
  else
    to.bind(index);
}

void bind_optional(SQLite::Statement& to, int index, const std::optional<time_point>& value) {
  if (value)
    to.bind(index, ms(*value));
  else
    to.bind(index);
}

void bind_kind_and_message(SQLite::Statement& to, int index, const std::optional<failure>& value) {
  if (value) {
    to.bind(index, std::string{domain::to_string(value->kind)});
    to.bind(index + 1, value->message);
  } else {
    to.bind(index);
    to.bind(index + 1);
  }
}

std::optional<failure> read_kind_and_message(SQLite::Statement& row, int index) {
  if (row.getColumn(index).isNull())
    return std::nullopt;
  const auto kind = domain::parse_failure_kind(row.getColumn(index).getString());
  if (!kind)
    throw unreadable_row("unknown kind of failure");
  return failure{.kind = *kind, .message = row.getColumn(index + 1).getString()};
}

domain::frame_set read_frame_set(const std::string& text) {
  auto frames = domain::frame_set::parse(text, std::numeric_limits<std::size_t>::max());
  if (!frames)
    throw unreadable_row(frames.error().message);
  return std::move(*frames);
}

domain::job_spec read_spec(const std::string& text) {
  boost::system::error_code ec;
  const auto value = json::parse(text, ec);
  if (ec || !value.is_object())
    throw unreadable_row("the specification is not a JSON object");
  auto spec = domain::parse_spec(value.get_object(), std::numeric_limits<std::size_t>::max());
  if (const auto* wrong = std::get_if<std::vector<domain::field_error>>(&spec))
    throw unreadable_row("the specification: " + wrong->front().pointer + " " + wrong->front().message);
  return std::get<domain::job_spec>(std::move(spec));
}

/// Binds the columns shared by insert and update: 1 to 19 as below.
void bind_job(SQLite::Statement& to, const job_record& job) {
  const auto& f = job.failure;
  to.bind(1, job.id.str());
  to.bind(2, std::string{domain::to_string(job.state)});
  to.bind(3, wishes.at(static_cast<std::size_t>(job.wish)));
  to.bind(4, static_cast<std::int64_t>(job.revision));
  to.bind(5, static_cast<std::int64_t>(job.frames_done));
  to.bind(6, static_cast<std::int64_t>(job.frames_failed));
  to.bind(7, job.attempts);
  bind_optional(to, 8, job.pid);
  to.bind(9, job.render_seconds);
  bind_optional(to, 10, job.started);
  bind_optional(to, 11, job.finished);
  bind_kind_and_message(to, 12, f);
  bind_optional(to, 14, f ? f->frame : std::nullopt);
  bind_optional(to, 15, f ? f->exit_status : std::nullopt);
  bind_optional(to, 16, f ? f->signal : std::nullopt);
  to.bind(17, job.report);
  to.bind(18, json::serialize(domain::format_spec(job.spec))); // its priority can change
  to.bind(19, json::serialize(domain::format_warnings(job.warnings)));
}

} // namespace

job_record read_job(SQLite::Statement& row) {
  job_record job;
  const auto id = job_id::parse(row.getColumn(0).getString());
  const auto state = domain::parse_job_state(row.getColumn(1).getString());
  if (!id || !state)
    throw unreadable_row("a job without id or state");
  job.id = *id;
  job.state = *state;
  job.wish = parse_name<intent>(wishes, row.getColumn(2).getString());
  job.revision = static_cast<std::uint64_t>(row.getColumn(3).getInt64());
  job.spec = read_spec(row.getColumn(5).getString());
  job.spec.blend = row.getColumn(4).getString();
  job.frames_done = static_cast<std::size_t>(row.getColumn(6).getInt64());
  job.frames_failed = static_cast<std::size_t>(row.getColumn(7).getInt64());
  job.attempts = row.getColumn(8).getInt();
  job.pid = optional(row.getColumn(9), as_int);
  job.render_seconds = row.getColumn(10).getDouble();
  job.created = at(row.getColumn(11));
  job.started = optional(row.getColumn(12), at);
  job.finished = optional(row.getColumn(13), at);
  job.failure = read_kind_and_message(row, 14);
  if (job.failure) {
    job.failure->frame = optional(row.getColumn(16), as_int);
    job.failure->exit_status = optional(row.getColumn(17), as_int);
    job.failure->signal = optional(row.getColumn(18), as_int);
  }
  job.report = row.getColumn(19).getString();
  job.owner = row.getColumn(20).getString(); // empty for NULL
  boost::system::error_code ec;
  const auto warnings = json::parse(row.getColumn(21).getString(), ec);
  job.warnings = domain::read_warnings(&warnings);
  return job;
}

void insert_job(connection& to, const job_record& job) {
  auto& row = to.statement("INSERT INTO job (id, state, wish, revision, frames_done, frames_failed, "
                           "attempts, pid, render_seconds, "
                           "started_ms, finished_ms, failure_kind, failure_message, failure_frame, "
                           "failure_status, failure_signal, "
                           "report, spec, warnings, blend, frames_total, created_ms, owner) "
                           "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
                           "?17, ?18, ?19, ?20, ?21, ?22, nullif(?23, ''))");
  bind_job(row, job);
  row.bind(20, job.spec.blend.native());
  row.bind(21, static_cast<std::int64_t>(job.spec.frames.size()));
  row.bind(22, ms(job.created));
  row.bind(23, job.owner);
  row.exec();
}

bool update_job(connection& to, const job_record& job) {
  auto& row = to.statement(
      "UPDATE job SET state = ?2, wish = ?3, revision = ?4, frames_done = ?5, frames_failed = ?6, attempts = "
      "?7, "
      "pid = ?8, render_seconds = ?9, started_ms = ?10, finished_ms = ?11, failure_kind = ?12, "
      "failure_message = ?13, failure_frame = ?14, failure_status = ?15, failure_signal = ?16, report = ?17, "
      "spec = ?18, warnings = ?19 WHERE id = ?1 AND revision < ?4");
  bind_job(row, job);
  return row.exec() == 1;
}

void write_frame(connection& to, const job_id& job, const frame_record& frame) {
  if (frame.now == frame_record::state::pending && frame.tries == 0) {
    auto& row = to.statement("DELETE FROM frame WHERE job = ?1 AND frame = ?2");
    row.bind(1, job.str());
    row.bind(2, frame.frame);
    row.exec();
    return;
  }
  auto& row = to.statement(
      "INSERT INTO frame (job, frame, state, tries, seconds, bytes, failure_kind, "
      "failure_message, failure_status, failure_signal) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
      "ON CONFLICT (job, frame) DO UPDATE SET state = excluded.state, tries = excluded.tries, "
      "seconds = excluded.seconds, bytes = excluded.bytes, failure_kind = excluded.failure_kind, "
      "failure_message = excluded.failure_message, failure_status = excluded.failure_status, "
      "failure_signal = excluded.failure_signal");
  row.bind(1, job.str());
  row.bind(2, frame.frame);
  row.bind(3, frame_state_words.at(static_cast<std::size_t>(frame.now)));
  row.bind(4, frame.tries);
  row.bind(5, frame.seconds);
  row.bind(6, frame.bytes);
  bind_kind_and_message(row, 7, frame.failure);
  bind_optional(row, 9, frame.failure ? frame.failure->exit_status : std::nullopt);
  bind_optional(row, 10, frame.failure ? frame.failure->signal : std::nullopt);
  row.exec();
}

std::vector<frame_record> read_frames(connection& from, const job_id& job, int after, std::size_t limit) {
  auto& row = from.statement("SELECT frame, state, tries, seconds, bytes, failure_kind, failure_message, "
                             "failure_status, failure_signal FROM frame WHERE job = ?1 AND frame > ?2 "
                             "ORDER BY frame LIMIT ?3");
  row.bind(1, job.str());
  row.bind(2, after);
  row.bind(3, static_cast<std::int64_t>(limit));
  std::vector<frame_record> found;
  while (row.executeStep()) {
    auto& f = found.emplace_back();
    f.frame = row.getColumn(0).getInt();
    f.now = parse_name<frame_record::state>(frame_state_words, row.getColumn(1).getString());
    f.tries = row.getColumn(2).getInt();
    f.seconds = row.getColumn(3).getDouble();
    f.bytes = row.getColumn(4).getInt64();
    f.failure = read_kind_and_message(row, 5);
    if (f.failure) {
      f.failure->frame = f.frame;
      f.failure->exit_status = optional(row.getColumn(7), as_int);
      f.failure->signal = optional(row.getColumn(8), as_int);
    }
  }
  return found;
}

void write_attempt(connection& to, const job_id& job, const attempt_record& attempt) {
  auto& row = to.statement("INSERT OR REPLACE INTO attempt (job, number, frames, pid, began_ms, ended_ms) "
                           "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  row.bind(1, job.str());
  row.bind(2, attempt.number);
  row.bind(3, domain::format_frame_set(attempt.frames));
  bind_optional(row, 4, attempt.pid);
  row.bind(5, ms(attempt.began));
  bind_optional(row, 6, attempt.ended);
  row.exec();
}

std::vector<attempt_record> read_attempts(connection& from, const job_id& job) {
  auto& row = from.statement(
      "SELECT number, frames, pid, began_ms, ended_ms FROM attempt WHERE job = ?1 ORDER BY number");
  row.bind(1, job.str());
  std::vector<attempt_record> found;
  while (row.executeStep()) {
    auto& a = found.emplace_back();
    a.number = row.getColumn(0).getInt();
    a.frames = read_frame_set(row.getColumn(1).getString());
    a.pid = optional(row.getColumn(2), as_int);
    a.began = at(row.getColumn(3));
    a.ended = optional(row.getColumn(4), at);
  }
  return found;
}

} // namespace kiln::store
