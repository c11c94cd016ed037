// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_job_store.hpp"

#include "store/connection.hpp"
#include "store/rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <SQLiteCpp/Transaction.h>

namespace kiln::store {
namespace {

error unreadable(const std::filesystem::path& file, const unreadable_row& why) {
  return {errc::corrupt,
          fmt::format("state: {} holds what kilnd has not written: {}", file.native(), why.what())};
}

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

/// Of a history that is asked for: it is kept, and the least used ones go.
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
  auto opened = connection::open(file);
  if (!opened)
    return opened.error();
  return std::unique_ptr<sqlite_job_store>{new sqlite_job_store(loop, file, std::move(*opened))};
}

sqlite_job_store::sqlite_job_store(aio::executor_type loop, std::filesystem::path file,
                                   std::unique_ptr<connection> opened)
    : file_(std::move(file)), connection_(std::move(opened)), written_(loop) {}

sqlite_job_store::~sqlite_job_store() {
  thread_.join();
}

void sqlite_job_store::commit(connection& to, const std::filesystem::path& file, const batch& together) {
  auto& database = to.database();
  try {
    const bool durable =
        std::ranges::any_of(together, [](const auto& t) { return t->how == durability::durable; });
    database.exec(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    SQLite::Transaction all(database, SQLite::TransactionBehavior::IMMEDIATE);
    for (const auto& t : together) {
      database.exec("SAVEPOINT change"); // one that is refused does not take the others with it
      try {
        t->outcome = t->what(to);
      } catch (const SQLite::Exception& e) {
        t->outcome = store_error(e, file);
      }
      database.exec(t->outcome ? "RELEASE change" : "ROLLBACK TO change; RELEASE change");
    }
    all.commit();
  } catch (const SQLite::Exception& e) {
    for (const auto& t : together)
      t->outcome = store_error(e, file);
  }
}

aio::task<> sqlite_job_store::write_waiting() {
  writing_ = true;
  const auto commit_here = [this, together = std::exchange(waiting_, {})] {
    commit(*connection_, file_, together);
    return together;
  };
  const auto together = co_await thread_.run(commit_here);
  writing_ = false;
  for (const auto& t : together)
    t->done = true;
  written_.notify_all();
}

aio::task<result<void>> sqlite_job_store::write(work what, durability how) {
  const auto mine = std::make_shared<ticket>();
  mine->what = std::move(what);
  mine->how = how;
  waiting_.push_back(mine);
  while (!mine->done) {
    if (writing_)
      co_await written_.wait();
    else
      co_await write_waiting();
  }
  co_return mine->outcome;
}

template<class Read>
aio::task<std::invoke_result_t<Read&, connection&>> sqlite_job_store::read(Read what) {
  using value_type = std::invoke_result_t<Read&, connection&>;
  const auto read_here = [this, what = std::move(what)]() mutable -> value_type {
    try {
      return what(*connection_);
    } catch (const SQLite::Exception& e) {
      return store_error(e, file_);
    } catch (const unreadable_row& e) {
      return unreadable(file_, e);
    }
  };
  co_return co_await thread_.run(read_here);
}

aio::task<result<void>> sqlite_job_store::add(job_record job) {
  work insert = [job = std::move(job)](connection& to) -> result<void> {
    insert_job(to, job);
    return {};
  };
  co_return co_await write(std::move(insert), durability::durable);
}

aio::task<result<void>> sqlite_job_store::save(change what, durability how) {
  work update = [c = std::move(what)](connection& to) -> result<void> {
    if (!update_job(to, c.job))
      return error{errc::conflict, "job " + c.job.id.str() + " is gone, or was changed meanwhile"};
    for (const auto& frame : c.frames)
      write_frame(to, c.job.id, frame);
    if (c.attempt)
      write_attempt(to, c.job.id, *c.attempt);
    if (!c.history_key.empty())
      write_history(to, c);
    return {};
  };
  co_return co_await write(std::move(update), how);
}

aio::task<result<void>> sqlite_job_store::remove(job_id id) {
  work erase = [id](connection& to) -> result<void> {
    auto& row = to.statement("DELETE FROM job WHERE id = ?1");
    row.bind(1, id.str());
    if (row.exec() == 0)
      return error{errc::not_found, "there is no job " + id.str()};
    return {};
  };
  co_return co_await write(std::move(erase), durability::durable);
}

aio::task<result<std::optional<job_record>>> sqlite_job_store::find(job_id id) {
  auto look = [id](connection& from) -> result<std::optional<job_record>> {
    auto& rows = from.statement("SELECT " KILN_JOB_COLUMNS " FROM job WHERE id = ?1");
    rows.bind(1, id.str());
    return first_job(rows);
  };
  co_return co_await read(std::move(look));
}

aio::task<result<std::optional<job_record>>> sqlite_job_store::find_by_pid(pid_t pid) {
  auto look = [pid](connection& from) -> result<std::optional<job_record>> {
    auto& rows = from.statement("SELECT " KILN_JOB_COLUMNS " FROM job WHERE id = (SELECT job FROM attempt "
                                "WHERE pid = ?1 ORDER BY began_ms DESC, job DESC LIMIT 1)");
    rows.bind(1, pid);
    return first_job(rows);
  };
  co_return co_await read(std::move(look));
}

aio::task<result<std::vector<job_record>>> sqlite_job_store::list(job_filter filter) {
  auto look = [f = std::move(filter)](connection& from) -> result<std::vector<job_record>> {
    // Each in the order of an index: a page costs the same wherever it begins.
    auto& rows = from.statement(
        !f.tag.empty() ? "SELECT " KILN_JOB_COLUMNS " FROM job_tag JOIN job ON job.id = job_tag.job "
                         "WHERE job_tag.tag = ?1 AND job_tag.job < ?2 AND (?3 = '' OR job.state = ?3) "
                         "ORDER BY job_tag.job DESC LIMIT ?4"
        : f.state      ? "SELECT " KILN_JOB_COLUMNS " FROM job WHERE ?1 = '' AND id < ?2 AND state = ?3 "
                         "ORDER BY id DESC LIMIT ?4"
                       : "SELECT " KILN_JOB_COLUMNS " FROM job WHERE ?1 = '' AND ?3 = '' AND id < ?2 "
                         "ORDER BY id DESC LIMIT ?4");
    rows.bind(1, f.tag);
    rows.bind(2, f.before ? f.before->str() : std::string{"k"}); // behind every id, which begin with j
    rows.bind(3, f.state ? std::string{domain::to_string(*f.state)} : std::string{});
    rows.bind(4, static_cast<std::int64_t>(f.limit));
    return all_jobs(rows);
  };
  co_return co_await read(std::move(look));
}

aio::task<result<std::vector<frame_record>>> sqlite_job_store::frames(job_id id, int after,
                                                                      std::size_t limit) {
  auto look = [id, after, limit](connection& from) -> result<std::vector<frame_record>> {
    return read_frames(from, id, after, limit);
  };
  co_return co_await read(std::move(look));
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
  co_return co_await read(std::move(look));
}

aio::task<result<std::optional<job_id>>> sqlite_job_store::newest() {
  auto look = [](connection& from) -> result<std::optional<job_id>> {
    auto& rows = from.statement("SELECT max(id) FROM job");
    rows.executeStep();
    return job_id::parse(rows.getColumn(0).getString());
  };
  co_return co_await read(std::move(look));
}

aio::task<result<frame_times>> sqlite_job_store::history(std::string key) {
  frame_times found;
  // Looked up by a writer, since asking is what keeps it.
  work look = [&found, key = std::move(key)](connection& from) -> result<void> {
    note_use(from, key);
    auto& rows = from.statement("SELECT frame, seconds FROM history WHERE key = ?1");
    rows.bind(1, key);
    while (rows.executeStep()) {
      const int frame = rows.getColumn(0).getInt();
      const double seconds = rows.getColumn(1).getDouble();
      if (frame < 0)
        found.loading = seconds;
      else
        found.seconds.emplace(frame, seconds);
    }
    return {};
  };
  const auto done = co_await write(std::move(look), durability::relaxed);
  if (!done)
    co_return done.error();
  co_return found;
}

} // namespace kiln::store
