// SPDX-License-Identifier: Apache-2.0
#include "store/connection.hpp"

#include "aio/directory.hpp"
#include "aio/unique_descriptor.hpp"
#include "store/private_file.hpp"
#include "store/schema.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic{"SQLite format 3\0", 16}; // sqlite.org/fileformat2.html, 1.3
constexpr std::string_view advice =
    "It is left as it is. Move it away and put a backup in its place (kilnd backup makes them), or start "
    "without: the frames that were published stay where they are, the jobs are forgotten";

error refused(const fs::path& file, std::string_view why) {
  return {errc::corrupt, fmt::format("state: {} {}. {}", file.native(), why, advice)};
}

/// Nullopt if SQLite may open the file. Refuses an empty file, which may have been a database and which
/// SQLite would treat as a new one.
std::optional<error> check_head(const fs::path& file) {
  const aio::unique_descriptor opened{::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)};
  if (!opened.is_open())
    return system_error(errno, fmt::format("state: open {} to write", file.native()));
  struct stat facts {};
  if (::fstat(opened.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return refused(file, "is not a file");
  std::array<char, magic.size()> head{};
  const auto size = ::pread(opened.get(), head.data(), head.size(), 0);
  if (size < 0)
    return system_error(errno, "state: read " + file.native());
  if (size == 0)
    return refused(file, "is empty");
  if (std::string_view{head.data(), static_cast<std::size_t>(size)} != magic)
    return refused(file, "is not a database");
  return std::nullopt;
}

/// Creates the file under another name first, so that an interrupted start leaves nothing that looks like a
/// database.
void create(const fs::path& file) {
  auto making = file;
  making += ".new";
  for (const char* part : {"", "-journal", "-wal", "-shm"})
    fs::remove(making.native() + part);
  make_private_file(making);
  {
    SQLite::Database database(making.native(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    migrate(database, newest_version());
  }
  fs::rename(making, file);
  (void)aio::sync_directory(file.parent_path());
}

/// The first error found by SQLite's own check; nullopt if there is none.
std::optional<std::string> integrity(SQLite::Database& database) {
  SQLite::Statement check(database, "PRAGMA quick_check(1)");
  check.executeStep();
  const std::string said = check.getColumn(0);
  return said == "ok" ? std::nullopt : std::optional{said};
}

/// Runs `work`; converts an exception to an error.
template<class T>
result<T> guarded(const fs::path& file, const std::function<result<T>()>& work) {
  try {
    return work();
  } catch (const SQLite::Exception& e) {
    if (const auto why = store_error(e, file); why.code != errc::corrupt)
      return why;
    return refused(file, fmt::format("is broken ({})", e.what()));
  } catch (const fs::filesystem_error& e) {
    return error{errc::unavailable, fmt::format("state: {}", e.what())};
  }
}

} // namespace

error store_error(const SQLite::Exception& e, const fs::path& file) {
  const auto text = fmt::format("state: {}: {}", file.native(), e.what());
  switch (e.getErrorCode()) {
  case SQLITE_FULL:
  case SQLITE_IOERR:
  case SQLITE_CANTOPEN:
  case SQLITE_READONLY:
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
  case SQLITE_PERM:
  case SQLITE_NOMEM:
    return {errc::unavailable, text};
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return {errc::corrupt, text};
  case SQLITE_CONSTRAINT:
    return {errc::conflict, text};
  default:
    return {errc::internal, text};
  }
}

connection::connection(const fs::path& file)
    : database_(file.native(), SQLite::OPEN_READWRITE, 5000 /* ms, should a backup hold it */) {}

result<std::unique_ptr<connection>> connection::open_as_it_is(const fs::path& file) {
  if (auto bad = check_head(file))
    return *bad;
  std::unique_ptr<connection> made{new connection(file)};
  auto& database = made->database_;
  if (::sqlite3_db_readonly(database.getHandle(), "main") != 0)
    return error{errc::unavailable, fmt::format("state: {} cannot be written to", file.native())};
  if (const auto broken = integrity(database))
    return refused(file, "is broken (" + *broken + ")");
  const int version = version_of(database);
  const int id = database.execAndGet("PRAGMA application_id").getInt();
  if (id != application_id || version == 0)
    return refused(file, "is not a database of Kiln");
  if (version > newest_version())
    return refused(file, fmt::format("is of version {}, and this kilnd knows up to {}: run the newer kilnd",
                                     version, newest_version()));
  return made;
}

result<std::unique_ptr<connection>> connection::open(const fs::path& file) {
  return guarded<std::unique_ptr<connection>>(file, [&]() -> result<std::unique_ptr<connection>> {
    if (!fs::exists(file))
      create(file);
    auto made = open_as_it_is(file);
    if (!made)
      return made;
    auto& database = (*made)->database_;
    migrate(database, newest_version());
    database.exec(
        "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 16777216; "
        "PRAGMA temp_store = MEMORY");
    return made;
  });
}

result<void> connection::check(const fs::path& file) {
  return guarded<void>(file, [&]() -> result<void> {
    if (!fs::exists(file))
      return {};
    if (const auto opened = open_as_it_is(file); !opened)
      return opened.error();
    return {};
  });
}

SQLite::Statement& connection::statement(const char* sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end())
    found = statements_.try_emplace(sql, database_, sql).first;
  found->second.tryReset();
  found->second.clearBindings();
  return found->second;
}

void connection::end_reads() {
  for (auto& [sql, statement] : statements_)
    statement.tryReset();
}

} // namespace kiln::store
