// SPDX-License-Identifier: Apache-2.0
#include "domain/failure.hpp"
#include "store/backup.hpp"
#include "store/connection.hpp"
#include "store/schema.hpp"
#include "support/temp_directory.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <SQLiteCpp/Database.h>

namespace kiln::store {
namespace {

namespace fs = std::filesystem;

class connection_test : public testing::Test {
protected:
  static void insert(SQLite::Database& to, const char* id, const char* columns, const char* values) {
    // Databases of before have no warnings.
    const bool has_warnings =
        to.execAndGet("SELECT count(*) FROM pragma_table_info('job') WHERE name = 'warnings'").getInt() == 1;
    to.exec(std::string{"INSERT INTO job (id, state, wish, revision, blend, spec, frames_total, frames_done, "
                        "frames_failed, attempts, render_seconds, created_ms, report"} +
            columns + (has_warnings ? ", warnings" : "") + ") VALUES ('" + id + "', " + values +
            (has_warnings ? ", '[]')" : ")"));
  }
  tests::temp_directory dir_;
  fs::path file_ = dir_ / "kiln.db";
};

constexpr const char* good = "'queued', 'run', 1, '/a', '{}', 10, 0, 0, 0, 0, 0, ''";

TEST_F(connection_test, makes_what_is_missing_and_opens_it_again) {
  for (int i = 0; i < 2; ++i) {
    auto opened = connection::open(file_);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(version_of((*opened)->database()), newest_version());
    EXPECT_EQ((*opened)->database().execAndGet("PRAGMA journal_mode").getString(), "wal");
  }
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator{dir_.path()})
    left.push_back(entry.path().filename());
  EXPECT_EQ(left, std::vector<std::string>{"kiln.db"});
}

TEST_F(connection_test, a_check_makes_and_changes_nothing) {
  EXPECT_TRUE(connection::check(file_));
  EXPECT_FALSE(fs::exists(file_));
  ASSERT_TRUE(connection::open(file_));
  EXPECT_TRUE(connection::check(file_));
  dir_.write("kiln.db", "garbage");
  const auto seen = connection::check(file_);
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().message, connection::open(file_).error().message);
  const fs::path older = dir_ / "older.db";
  SQLite::Database old(older.native(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  migrate(old, newest_version() - 1);
  EXPECT_TRUE(connection::check(older));
  EXPECT_EQ(version_of(old), newest_version() - 1);
}

TEST_F(connection_test, what_an_interrupted_start_left_is_no_database) {
  dir_.write("kiln.db.new", "half");
  EXPECT_TRUE(connection::open(file_));
}

TEST_F(connection_test, tables_mirror_the_domain) {
  auto opened = connection::open(file_);
  auto& db = (*opened)->database();
  insert(db, "j000000000000000001", "", good);
  struct wrong {
    const char* columns;
    const char* values;
  };
  for (const auto& [columns, values] : {
           wrong{"", "'done', 'run', 1, '/a', '{}', 10, 0, 0, 0, 0, 0, ''"},
           wrong{"", "'queued', 'maybe', 1, '/a', '{}', 10, 0, 0, 0, 0, 0, ''"},
           wrong{"", "'queued', 'run', 0, '/a', '{}', 10, 0, 0, 0, 0, 0, ''"},
           wrong{"", "'queued', 'run', 1, 'a', '{}', 10, 0, 0, 0, 0, 0, ''"},
           wrong{"", "'queued', 'run', 1, '/a', 'x', 10, 0, 0, 0, 0, 0, ''"},
           wrong{"", "'queued', 'run', 1, '/a', '{}', 0, 0, 0, 0, 0, 0, ''"},
           wrong{"", "'queued', 'run', 1, '/a', '{}', 10, 11, 0, 0, 0, 0, ''"},
           wrong{"", "'queued', 'run', 1, '/a', '{}', 10, 6, 5, 0, 0, 0, ''"},
           wrong{"", "'queued', 'run', 1, '/a', '{}', 10, 0, 0, 'many', 0, 0, ''"},
           wrong{", finished_ms", "'succeeded', 'run', 1, '/a', '{}', 10, 9, 0, 0, 0, 0, '', 5"},
           wrong{", finished_ms", "'failed', 'run', 1, '/a', '{}', 10, 0, 0, 0, 0, 0, '', 5"},
           wrong{", finished_ms", "'running', 'run', 1, '/a', '{}', 10, 0, 0, 0, 0, 0, '', 5"},
           wrong{"", "'canceled', 'run', 1, '/a', '{}', 10, 0, 0, 0, 0, 0, ''"},
           wrong{", finished_ms, failure_kind, failure_message",
                 "'failed', 'run', 1, '/a', '{}', 10, 0, 0, 0, 0, 0, '', 5, '', 'x'"},
       })
    EXPECT_THROW(insert(db, "j000000000000000002", columns, values), SQLite::Exception) << values;
  EXPECT_THROW(insert(db, "x000000000000000002", "", good), SQLite::Exception);
  EXPECT_THROW(insert(db, "j2", "", good), SQLite::Exception);
  insert(db, "j000000000000000002", "", good);
}

TEST_F(connection_test, kinds_of_failure_are_those_of_the_domain) {
  auto opened = connection::open(file_);
  for (int kind = 0; kind <= static_cast<int>(domain::failure_kind::internal); ++kind) {
    const auto values = fmt::format("'failed', 'run', 1, '/a', '{{}}', 10, 0, 0, 0, 0, 0, '', 5, '{}', 'x'",
                                    to_string(static_cast<domain::failure_kind>(kind)));
    const auto id = fmt::format("j{:018}", kind);
    EXPECT_NO_THROW(insert((*opened)->database(), id.c_str(), ", finished_ms, failure_kind, failure_message",
                           values.c_str()))
        << values;
  }
}

TEST_F(connection_test, an_older_database_is_brought_up_and_a_copy_is_kept) {
  {
    SQLite::Database old(file_.native(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    migrate(old, 1);
    insert(old, "j000000000000000001", "", good);
  }
  auto opened = connection::open(file_);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(version_of((*opened)->database()), newest_version());
  EXPECT_EQ((*opened)->database().execAndGet("SELECT count(*) FROM job").getInt(), 1);
  SQLite::Database copy((dir_ / "kiln.db.v1").native());
  EXPECT_EQ(version_of(copy), 1);
  EXPECT_EQ(copy.execAndGet("SELECT count(*) FROM job").getInt(), 1);
}

TEST_F(connection_test, who_has_rendered_an_older_upload_is_its_sender) {
  const std::string digits(64, 'a'), other(64, 'b');
  {
    SQLite::Database old(file_.native(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    migrate(old, 9);
    for (const auto& each : {digits, other})
      old.exec(fmt::format("INSERT INTO upload (digest, name, bytes, packing, scene, created_ms, used_ms) "
                           "VALUES ('{}', 'a.blend', 5, 'none', '', 7, 7)",
                           each));
    const auto values = fmt::format(
        "'queued', 'run', 1, '/a', '{{\"blend\":\"sha256:{}\"}}', 10, 0, 0, 0, 0, 0, '', ", digits);
    insert(old, "j000000000000000001", ", owner", (values + "'ann'").c_str());
    insert(old, "j000000000000000002", ", owner", (values + "'ann'").c_str());
    insert(old, "j000000000000000003", ", owner", (values + "NULL").c_str());
  }
  auto opened = connection::open(file_);
  ASSERT_TRUE(opened) << opened.error().message;
  SQLite::Statement rows{(*opened)->database(), "SELECT digest, sender, name, created_ms FROM upload_sender"};
  ASSERT_TRUE(rows.executeStep());
  EXPECT_EQ(rows.getColumn(0).getString(), digits);
  EXPECT_EQ(rows.getColumn(1).getString(), "ann");
  EXPECT_EQ(rows.getColumn(2).getString(), "a.blend");
  EXPECT_EQ(rows.getColumn(3).getInt(), 7);
  EXPECT_FALSE(rows.executeStep());
}

TEST_F(connection_test, a_table_that_is_made_again_keeps_its_rows_and_those_of_others) {
  {
    SQLite::Database old(file_.native(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    migrate(old, 6);
    old.exec("PRAGMA foreign_keys = ON");
    insert(old, "j000000000000000001", ", owner",
           "'queued', 'run', 3, '/a', '{}', 10, 2, 0, 7, 1.5, 0, '', 'anna'");
    insert(old, "j000000000000000002", ", finished_ms, failure_kind, failure_message",
           "'failed', 'run', 1, '/a', '{}', 10, 0, 0, 0, 0, 0, '', 5, 'crashed', 'x'");
    old.exec(
        "INSERT INTO job_tag VALUES ('film', 'j000000000000000001');"
        "INSERT INTO frame VALUES ('j000000000000000001', 4, 'done', 0, 1.5, 10, NULL, NULL, NULL, NULL);"
        "INSERT INTO attempt VALUES ('j000000000000000001', 1, '1-10', 99, 5, NULL)");
  }
  auto opened = connection::open(file_);
  ASSERT_TRUE(opened) << opened.error().message;
  auto& db = (*opened)->database();
  EXPECT_EQ(db.execAndGet(
                  "SELECT revision || owner || attempts || frames_done || render_seconds FROM job WHERE id = "
                  "'j000000000000000001'")
                .getString(),
            "3anna721.5");
  EXPECT_EQ(db.execAndGet("SELECT failure_kind || finished_ms FROM job WHERE state = 'failed'").getString(),
            "crashed5");
  EXPECT_EQ(db.execAndGet("SELECT bytes FROM frame_total").getInt(), 10);
  for (const char* table : {"job_tag", "frame", "attempt"})
    EXPECT_EQ(db.execAndGet(fmt::format("SELECT count(*) FROM {}", table)).getInt(), 1) << table;
  SQLite::Statement broken(db, "PRAGMA foreign_key_check");
  EXPECT_FALSE(broken.executeStep());
  SQLite::Database fresh((dir_ / "fresh.db").native(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  migrate(fresh, newest_version());
  const auto indexes =
      "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name)";
  EXPECT_EQ(db.execAndGet(indexes).getString(), fresh.execAndGet(indexes).getString());
  EXPECT_NE(db.execAndGet(indexes).getString().find("job_by_end,job_by_owner,job_by_state,job_by_upload"),
            std::string::npos);
  db.exec("DELETE FROM job WHERE id = 'j000000000000000001'"); // and the rows of the others go along again
  for (const char* table : {"job_tag", "frame", "attempt"})
    EXPECT_EQ(db.execAndGet(fmt::format("SELECT count(*) FROM {}", table)).getInt(), 0) << table;
}

TEST_F(connection_test, what_is_not_ours_is_refused_and_left_alone) {
  const auto said = [&] {
    const auto opened = connection::open(file_);
    return opened ? std::string{"opened"} : opened.error().message;
  };
  dir_.write("kiln.db", "");
  EXPECT_NE(said().find("is empty"), std::string::npos);
  dir_.write("kiln.db", "not a database, but long enough to be one");
  EXPECT_NE(said().find("is not a database"), std::string::npos);
  EXPECT_EQ(dir_.read("kiln.db"), "not a database, but long enough to be one");
  fs::remove(file_);
  {
    SQLite::Database other(file_.native(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    other.exec("CREATE TABLE recipe (name TEXT); PRAGMA user_version = 1");
  }
  EXPECT_NE(said().find("is not a database of Kiln"), std::string::npos);
}

TEST_F(connection_test, a_backup_is_whole_and_never_overwrites) {
  auto opened = connection::open(file_);
  insert((*opened)->database(), "j000000000000000001", "", good);
  ASSERT_TRUE(back_up(file_, dir_ / "copy.db"));
  SQLite::Database copy((dir_ / "copy.db").native());
  EXPECT_EQ(copy.execAndGet("SELECT count(*) FROM job").getInt(), 1);
  EXPECT_EQ(back_up(file_, dir_ / "copy.db").error().code, errc::conflict);
  EXPECT_EQ(back_up(dir_ / "nowhere.db", dir_ / "b.db").error().code, errc::not_found);
  EXPECT_FALSE(back_up(file_, dir_ / "no/such/directory/copy.db"));
}

} // namespace
} // namespace kiln::store
