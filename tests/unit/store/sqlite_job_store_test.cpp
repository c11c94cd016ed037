// SPDX-License-Identifier: Apache-2.0
// The store as a database; job_store_test.cpp has its behaviour as a store.
#include "store/sqlite_job_store.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"
#include "unit/store/records.hpp"

#include <fmt/format.h>

#include <SQLiteCpp/Database.h>

namespace kiln::store {
namespace {

class sqlite_job_store_test : public tests::loop_test {
protected:
  tests::temp_directory directory_;
  std::filesystem::path file_ = directory_ / "kiln.db";
};

TEST_F(sqlite_job_store_test, keeps_all_over_a_restart) {
  for (int round = 0; round < 3; ++round)
    run([&]() -> aio::task<> {
      auto store = sqlite_job_store::open(executor(), file_);
      EXPECT_TRUE(store) << store.error().message;
      EXPECT_EQ((co_await (*store)->load_live())->size(), static_cast<std::size_t>(round));
      auto record = job(round);
      EXPECT_TRUE(co_await (*store)->add(std::move(record)));
    });
}

TEST_F(sqlite_job_store_test, the_least_used_histories_go) {
  run([&]() -> aio::task<> {
    auto store = std::move(*sqlite_job_store::open(executor(), file_));
    (void)co_await store->add(job(1));
    change c{job(1)};
    c.frames = list_of(done(1));
    const auto key_of = [](std::size_t i) { return fmt::format("{:064}", i); };
    for (std::size_t i = 0; i < sqlite_job_store::kept_histories + 5; ++i) {
      ++c.job.revision;
      c.history_key = key_of(i);
      (void)co_await store->history(c.history_key);
      (void)co_await store->save(c, durability::relaxed);
    }
    std::size_t known = 0;
    {
      SQLite::Database reader(file_.native());
      known = static_cast<std::size_t>(reader.execAndGet("SELECT count(*) FROM history").getInt());
    }
    EXPECT_LE(known, sqlite_job_store::kept_histories + 1);
    EXPECT_GE(known, sqlite_job_store::kept_histories - 1);
  });
}

TEST_F(sqlite_job_store_test, what_all_frames_take_is_kept_and_not_added_up_each_time) {
  run([&]() -> aio::task<> {
    auto store = std::move(*sqlite_job_store::open(executor(), file_));
    (void)co_await store->add(job(1));
    change c{job(1)};
    c.job.revision = 2;
    c.frames = list_of(done(1), done(2));
    (void)co_await store->save(c, durability::relaxed);
    EXPECT_EQ(*co_await store->frame_bytes(), 200U);
    {
      SQLite::Database writer(file_.native(), SQLite::OPEN_READWRITE);
      writer.exec("UPDATE frame_total SET bytes = bytes + 1");
    }
    EXPECT_EQ(*co_await store->frame_bytes(), 201U);
  });
}

TEST_F(sqlite_job_store_test, rows_that_no_kiln_has_written_are_an_error) {
  run([&]() -> aio::task<> {
    auto store = std::move(*sqlite_job_store::open(executor(), file_));
    (void)co_await store->add(job(1));
    for (const char* spoilt : {"'[]'", "'{\"frames\":\"1\"}'", "'{\"blend\":\"a\",\"frames\":\"x\"}'",
                               "'{\"blend\":\"a\",\"frames\":\"1\",\"colour\":1}'"}) {
      {
        SQLite::Database writer(file_.native(), SQLite::OPEN_READWRITE);
        writer.exec(fmt::format("UPDATE job SET spec = {}", spoilt));
      }
      EXPECT_EQ((co_await store->find(id_of(1))).error().code, errc::corrupt) << spoilt;
      EXPECT_EQ((co_await store->load_live()).error().code, errc::corrupt) << spoilt;
    }
  });
}

} // namespace
} // namespace kiln::store
