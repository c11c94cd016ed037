// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_job_store.hpp"

#include "store/database.hpp"
#include "store/job_queries.hpp"
#include "store/outbox.hpp"

#include <limits>
#include <utility>

namespace kiln::store {
namespace {

constexpr std::chrono::milliseconds request_time = std::chrono::hours{24}; ///< lifetime of a key

std::optional<job_record> first_job(SQLite::Statement& rows) {
  return rows.executeStep() ? std::optional{read_job(rows)} : std::nullopt;
}

std::vector<job_record> all_jobs(SQLite::Statement& rows) {
  std::vector<job_record> found;
  while (rows.executeStep())
    found.push_back(read_job(rows));
  return found;
}

void write_history(connection& to, const change& c) {
  const auto put = [&](int frame, double seconds) {
    auto& row = to.statement("INSERT OR REPLACE INTO history (key, frame, seconds) VALUES (?1, ?2, ?3)");
    row.bind(1, c.history_key);
    row.bind(2, frame);
    row.bind(3, seconds);
    row.exec();
  };
  for (const auto& frame : c.frames)
    if (frame.now == frame_record::state::done)
      put(frame.frame, frame.seconds);
  if (c.loading)
    put(-1, *c.loading);
}

/// Marks a history as used and removes the least recently used ones.
void note_use(connection& to, const std::string& key) {
  auto& used = to.statement("INSERT OR REPLACE INTO history_use (key, used_ms) "
                            "VALUES (?1, cast((julianday('now') - 2440587.5) * 86400000 AS INTEGER))");
  used.bind(1, key);
  used.exec();
  for (;;) {
    auto& oldest = to.statement("SELECT key FROM history_use ORDER BY used_ms DESC LIMIT 1 OFFSET ?1");
    oldest.bind(1, static_cast<std::int64_t>(sqlite_job_store::kept_histories));
    if (!oldest.executeStep())
      return;
    const auto gone = oldest.getColumn(0).getString();
    for (const char* sql : {"DELETE FROM history WHERE key = ?1", "DELETE FROM history_use WHERE key = ?1"}) {
      auto& row = to.statement(sql);
      row.bind(1, gone);
      row.exec();
    }
  }
}

} // namespace

result<std::unique_ptr<sqlite_job_store>> sqlite_job_store::open(aio::executor_type loop,
                                                                 const std::filesystem::path& file) {
  auto opened = database::open(loop, file);
  if (!opened)
    return opened.error();
  return std::make_unique<sqlite_job_store>(std::move(*opened));
}

void sqlite_job_store::announce(event_format format, std::function<void()> queued) {
  event_format_ = std::move(format);
  on_queued_ = std::move(queued);
}

aio::task<result<void>> sqlite_job_store::add(job_record job) {
  database::work insert = [job = std::move(job)](connection& to) -> result<void> {
    insert_job(to, job);
    write_words(to, job);
    return {};
  };
  co_return co_await database_->write(std::move(insert), durability::durable);
}

aio::task<result<void>> sqlite_job_store::add_once(job_record job, request_key by) {
  database::work insert = [job = std::move(job), by = std::move(by)](connection& to) -> result<void> {
    const auto now = job.created.time_since_epoch().count();
    auto& old = to.statement("DELETE FROM request WHERE created_ms < ?1");
    old.bind(1, now - request_time.count());
    old.exec();
    insert_job(to, job);
    write_words(to, job);
    auto& row = to.statement("INSERT INTO request (principal, key, digest, job, answer, created_ms) "
                             "VALUES (?1, ?2, ?3, ?4, '', ?5)");
    row.bind(1, by.principal);
    row.bind(2, by.key);
    row.bind(3, by.digest);
    row.bind(4, job.id.str());
    row.bind(5, now);
    row.exec();
    return {};
  };
  co_return co_await database_->write(std::move(insert), durability::durable);
}

aio::task<result<std::optional<kept_request>>> sqlite_job_store::find_request(std::string principal,
                                                                              std::string key) {
  const auto look = [principal = std::move(principal),
                     key = std::move(key)](connection& in) -> result<std::optional<kept_request>> {
    auto& row =
        in.statement("SELECT digest, job, answer FROM request WHERE principal = ?1 AND key = ?2 "
                     "AND created_ms >= cast((julianday('now') - 2440587.5) * 86400000 AS INTEGER) - ?3");
    row.bind(1, principal);
    row.bind(2, key);
    row.bind(3, static_cast<std::int64_t>(request_time.count()));
    if (!row.executeStep())
      return std::optional<kept_request>{};
    const auto job = job_id::parse(row.getColumn(1).getString());
    if (!job)
      throw unreadable_row{"request has the job " + row.getColumn(1).getString()};
    return std::optional{kept_request{
        .digest = row.getColumn(0).getString(), .job = *job, .answer = row.getColumn(2).getString()}};
  };
  co_return co_await database_->read(look);
}

aio::task<result<void>> sqlite_job_store::keep_answer(request_key by, std::string answer) {
  database::work update = [by = std::move(by), answer = std::move(answer)](connection& to) -> result<void> {
    auto& row = to.statement("UPDATE request SET answer = ?3 WHERE principal = ?1 AND key = ?2");
    row.bind(1, by.principal);
    row.bind(2, by.key);
    row.bind(3, answer);
    row.exec();
    return {};
  };
  co_return co_await database_->write(std::move(update), durability::relaxed);
}

aio::task<result<void>> sqlite_job_store::save(change what, durability how) {
  const bool ends = domain::is_final(what.job.state) || what.job.wish == intent::cancel;
  const auto weight = ends ? database::weight::essential : database::weight::plain;
  // Shared, since the work may outlive a caller that is cancelled.
  const auto queued = std::make_shared<bool>(false);
  database::work update = [c = std::move(what), format = event_format_,
                           queued](connection& to) -> result<void> {
    const auto events = format ? events_of_change(to, c.job) : std::vector<domain::webhook_event>{};
    if (!update_job(to, c.job))
      return error{errc::conflict, "job " + c.job.id.str() + " is gone, or was changed meanwhile"};
    if (c.has_new_words)
      write_words(to, c.job);
    for (const auto& frame : c.frames)
      write_frame(to, c.job.id, frame);
    for (const auto& attempt : c.attempts)
      write_attempt(to, c.job.id, attempt);
    if (!c.history_key.empty())
      write_history(to, c);
    for (const auto event : events)
      if (queue_event(to, event, c.job, format))
        *queued = true;
    return {};
  };
  auto done = co_await database_->write(std::move(update), how, weight);
  if (done && *queued)
    on_queued_();
  co_return done;
}

aio::task<result<void>> sqlite_job_store::remove(job_id id) {
  database::work erase = [id](connection& to) -> result<void> {
    auto& row = to.statement("DELETE FROM job WHERE id = ?1");
    row.bind(1, id.str());
    if (row.exec() == 0)
      return error{errc::not_found, "there is no job " + id.str()};
    return {};
  };
  co_return co_await database_->write(std::move(erase), durability::durable, database::weight::essential);
}

aio::task<result<std::optional<job_record>>> sqlite_job_store::find(job_id id) {
  auto look = [id](connection& from) -> result<std::optional<job_record>> {
    auto& rows = from.statement("SELECT " KILN_JOB_COLUMNS " FROM job WHERE id = ?1");
    rows.bind(1, id.str());
    return first_job(rows);
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::optional<job_record>>> sqlite_job_store::find_by_pid(pid_t pid) {
  auto look = [pid](connection& from) -> result<std::optional<job_record>> {
    auto& rows = from.statement("SELECT " KILN_JOB_COLUMNS " FROM job WHERE id = (SELECT job FROM attempt "
                                "WHERE pid = ?1 ORDER BY began_ms DESC, job DESC LIMIT 1)");
    rows.bind(1, pid);
    return first_job(rows);
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::vector<job_record>>> sqlite_job_store::list(job_filter filter) {
  auto look = [f = std::move(filter)](connection& from) -> result<std::vector<job_record>> {
    return list_jobs(from, f);
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::vector<frame_record>>> sqlite_job_store::frames(job_id id, int after,
                                                                      std::size_t limit) {
  auto look = [id, after, limit](connection& from) -> result<std::vector<frame_record>> {
    return read_frames(from, id, after, limit);
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::vector<frame_record>>> sqlite_job_store::frames_at(job_id id, std::vector<int> which) {
  auto look = [id, which = std::move(which)](connection& from) -> result<std::vector<frame_record>> {
    std::vector<frame_record> found;
    for (const int frame : which)
      for (auto& record : read_frames(from, id, frame - 1, 1))
        if (record.frame == frame)
          found.push_back(std::move(record));
    return found;
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<frame_states>> sqlite_job_store::states_of_frames(job_id id) {
  auto look = [id](connection& from) -> result<frame_states> { return read_frame_states(from, id); };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<job_counts>> sqlite_job_store::count(std::string owner) {
  auto look = [owner = std::move(owner)](connection& from) -> result<job_counts> {
    return count_jobs(from, owner);
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::vector<statistics_row>>> sqlite_job_store::sum_up(statistics_wish wish) {
  auto look = [wish = std::move(wish)](connection& from) -> result<std::vector<statistics_row>> {
    return sum_up_jobs(from, wish);
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::vector<live_job>>> sqlite_job_store::load_live() {
  auto look = [](connection& from) -> result<std::vector<live_job>> {
    std::vector<live_job> live;
    {
      auto& rows = from.statement("SELECT " KILN_JOB_COLUMNS " FROM job "
                                  "WHERE state IN ('queued', 'running', 'paused') ORDER BY id");
      for (auto& job : all_jobs(rows))
        live.push_back({std::move(job), {}, {}});
    }
    for (auto& l : live) {
      l.frames = read_frames(from, l.job.id, -1, static_cast<std::size_t>(domain::max_frame) + 1);
      l.attempts = read_attempts(from, l.job.id);
    }
    return live;
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::optional<job_id>>> sqlite_job_store::newest() {
  auto look = [](connection& from) -> result<std::optional<job_id>> {
    auto& rows = from.statement("SELECT max(id) FROM job");
    rows.executeStep();
    return job_id::parse(rows.getColumn(0).getString());
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::optional<ended_job>>> sqlite_job_store::first_ended(std::optional<ended_job> after) {
  auto look = [after](connection& from) -> result<std::optional<ended_job>> {
    auto& row = from.statement(
        "SELECT id, finished_ms, (SELECT coalesce(sum(bytes), 0) FROM frame WHERE job = job.id) "
        "FROM job WHERE finished_ms IS NOT NULL AND (finished_ms, id) > (?1, ?2) "
        "ORDER BY finished_ms, id LIMIT 1");
    constexpr auto before_all = std::numeric_limits<std::int64_t>::min();
    row.bind(1, after ? std::int64_t{after->finished.time_since_epoch().count()} : before_all);
    row.bind(2, after ? after->id.str() : std::string{});
    if (!row.executeStep())
      return std::optional<ended_job>{};
    const auto id = job_id::parse(row.getColumn(0).getString());
    if (!id)
      throw unreadable_row{"a job has the id " + row.getColumn(0).getString()};
    return std::optional{
        ended_job{.id = *id,
                  .finished = time_point{std::chrono::milliseconds{row.getColumn(1).getInt64()}},
                  .bytes = static_cast<std::uintmax_t>(row.getColumn(2).getInt64())}};
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<std::uintmax_t>> sqlite_job_store::frame_bytes() {
  auto look = [](connection& from) -> result<std::uintmax_t> {
    auto& row = from.statement("SELECT bytes FROM frame_total");
    row.executeStep();
    return static_cast<std::uintmax_t>(row.getColumn(0).getInt64());
  };
  co_return co_await database_->read(std::move(look));
}

aio::task<result<frame_times>> sqlite_job_store::history(std::string key) {
  const auto found = std::make_shared<frame_times>(); // the work may outlive a caller that is cancelled
  // A write, since the lookup marks the history as used.
  database::work look = [found, key = std::move(key)](connection& from) -> result<void> {
    note_use(from, key);
    auto& rows = from.statement("SELECT frame, seconds FROM history WHERE key = ?1");
    rows.bind(1, key);
    while (rows.executeStep()) {
      const int frame = rows.getColumn(0).getInt();
      const double seconds = rows.getColumn(1).getDouble();
      if (frame < 0)
        found->loading = seconds;
      else
        found->seconds.emplace(frame, seconds);
    }
    return {};
  };
  const auto done = co_await database_->write(std::move(look), durability::relaxed);
  if (!done)
    co_return done.error();
  co_return std::move(*found);
}

} // namespace kiln::store
