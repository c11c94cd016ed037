// SPDX-License-Identifier: Apache-2.0
//
// A database of jobs that is open: checked, brought to this version, its statements kept ready. For one
// thread, the store's. For lib/store only.
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
  /// Makes the file when it is missing. Refuses, and changes nothing, when it is not a database of Kiln, is
  /// broken, is of a newer version, or cannot be written; the error says what to do.
  [[nodiscard]] static result<std::unique_ptr<connection>> open(const std::filesystem::path& file);

  /// Whether open() would succeed; changes no table and makes no file. For a file that no other process has
  /// open.
  [[nodiscard]] static result<void> check(const std::filesystem::path& file);

  [[nodiscard]] SQLite::Database& database() noexcept { return database_; }

  /// Ready to bind: the same statement for the same text. `sql` is a literal.
  [[nodiscard]] SQLite::Statement& statement(const char* sql);

  /// Ends what statements still read: a reader that is left open keeps the WAL from being used again.
  void end_reads();

private:
  explicit connection(const std::filesystem::path& file);
  [[nodiscard]] static result<std::unique_ptr<connection>> open_as_it_is(const std::filesystem::path& file);

  SQLite::Database database_;
  std::unordered_map<const char*, SQLite::Statement> statements_;
};

/// unavailable when the disk is full or the file is not to be had, corrupt when the database is broken,
/// conflict when a rule of the tables is broken, else internal. `file` is named in the text.
[[nodiscard]] error store_error(const SQLite::Exception& e, const std::filesystem::path& file);

} // namespace kiln::store
