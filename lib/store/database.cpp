// SPDX-License-Identifier: Apache-2.0
#include "store/database.hpp"

#include "base/scope_exit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

namespace kiln::store {
namespace {

constexpr std::array commit_bounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                   0.025,  0.05,    0.1,    0.25,  0.5,    1.0,   2.5};

} // namespace

result<std::shared_ptr<database>> database::open(aio::executor_type loop, const std::filesystem::path& file) {
  auto opened = connection::open(file);
  if (!opened)
    return opened.error();
  return std::shared_ptr<database>{new database(loop, file, std::move(*opened))};
}

database::database(aio::executor_type loop, std::filesystem::path file, std::unique_ptr<connection> opened)
    : file_(std::move(file)), connection_(std::move(opened)), reserve_(file_.parent_path() / "reserve"),
      written_(loop), commits_(commit_bounds) {
  reserve_.keep();
}

database::~database() {
  thread_.join();
}

error database::unreadable(const unreadable_row& why) const {
  return {errc::corrupt,
          fmt::format("state: {} holds what kilnd has not written: {}", file_.native(), why.what())};
}

/// Retries changes that found no disk space: first after a checkpoint, so that the WAL is overwritten from
/// its beginning, which takes no space; then with the reserve.
void database::commit_with_room(const batch& together) {
  if (commit(*connection_, file_, together))
    return reserve_.keep();
  batch essential;
  for (const auto& t : together)
    if (t->of == weight::essential)
      essential.push_back(t);
  if (essential.empty())
    return;
  try {
    connection_->database().exec("PRAGMA wal_checkpoint(RESTART)");
  } catch (const SQLite::Exception&) { // there was no room for that either
  }
  if (!commit(*connection_, file_, essential) && reserve_.give())
    commit(*connection_, file_, essential);
}

bool database::commit(connection& to, const std::filesystem::path& file, const batch& together) {
  auto& database = to.database();
  bool had_room = true;
  const auto failed = [&had_room, &file](const SQLite::Exception& e) {
    had_room = had_room && e.getErrorCode() != SQLITE_FULL;
    return store_error(e, file);
  };
  try {
    const bool durable =
        std::ranges::any_of(together, [](const auto& t) { return t->how == durability::durable; });
    database.exec(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    SQLite::Transaction all(database, SQLite::TransactionBehavior::IMMEDIATE);
    for (const auto& t : together) {
      database.exec("SAVEPOINT change"); // a failed change does not roll back the others
      try {
        t->outcome = t->what(to);
      } catch (const SQLite::Exception& e) {
        t->outcome = failed(e);
      } catch (const std::exception& e) { // a defect of one change must not affect the others
        t->outcome = error{errc::internal, fmt::format("state: a change threw: {}", e.what())};
      }
      database.exec(t->outcome ? "RELEASE change" : "ROLLBACK TO change; RELEASE change");
    }
    to.end_reads();
    all.commit();
  } catch (const SQLite::Exception& e) {
    for (const auto& t : together)
      t->outcome = failed(e);
  } catch (const std::exception& e) {
    for (const auto& t : together)
      t->outcome = error{errc::internal, fmt::format("state: the transaction threw: {}", e.what())};
  }
  return had_room;
}

aio::task<> database::write_waiting() {
  writing_ = true;
  const auto together = std::exchange(waiting_, {});
  const scope_exit over{[this, &together] {
    writing_ = false;
    for (const auto& t : together)
      t->done = true;
    written_.notify_all();
  }};
  const auto commit_here = [this, together] {
    commit_with_room(together);
    return true;
  };
  const auto began = aio::clock::now();
  (void)co_await thread_.run(commit_here);
  commits_.add(std::chrono::duration<double>(aio::clock::now() - began).count());
}

aio::task<result<void>> database::write(work what, durability how, weight of) {
  const auto mine = std::make_shared<ticket>();
  mine->what = std::move(what);
  mine->how = how;
  mine->of = of;
  waiting_.push_back(mine);
  while (!mine->done) {
    if (writing_)
      co_await written_.wait();
    else
      co_await write_waiting();
  }
  co_return mine->outcome;
}

} // namespace kiln::store
