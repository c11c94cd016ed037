// SPDX-License-Identifier: Apache-2.0
//
// An open database: checked, migrated to this version, with cached statements. Used by the store's thread
// only. Internal to lib/store.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <memory>
#include <unordered_map>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

namespace kiln::store {

class connection {
public:
  /// Creates the file if it is missing. Fails without changes if it is not a database of Kiln, is corrupt,
  /// has a newer version, or cannot be written; the error says what to do.
  [[nodiscard]] static result<std::unique_ptr<connection>> open(const std::filesystem::path& file);

  /// Whether open() would succeed; changes no table and creates no file. No other process may have the file
  /// open.
  [[nodiscard]] static result<void> check(const std::filesystem::path& file);

  [[nodiscard]] SQLite::Database& database() noexcept { return database_; }

  /// A cached statement for this text, ready to bind. `sql` must be a literal.
  [[nodiscard]] SQLite::Statement& statement(const char* sql);

  /// Resets all statements: an open reader prevents reuse of the WAL.
  void end_reads();

private:
  explicit connection(const std::filesystem::path& file);
  [[nodiscard]] static result<std::unique_ptr<connection>> open_as_it_is(const std::filesystem::path& file);

  SQLite::Database database_;
  std::unordered_map<const char*, SQLite::Statement> statements_;
};

/// unavailable if the disk is full or the file is inaccessible, corrupt if the database is corrupt, conflict
/// if a constraint is violated, otherwise internal. The message names `file`.
[[nodiscard]] error store_error(const SQLite::Exception& e, const std::filesystem::path& file);

} // namespace kiln::store
