// SPDX-License-Identifier: Apache-2.0
//
// The tables, as migrations: each upgrades the database from one version (user_version) to the next. Existing
// ones are never edited.
#pragma once

#include "base/error.hpp"

#include <SQLiteCpp/Database.h>

namespace kiln::store {

inline constexpr int application_id = 0x4b696c6e; ///< "Kiln": PRAGMA application_id

[[nodiscard]] int newest_version() noexcept;

/// The version of a database; 0 if empty.
[[nodiscard]] int version_of(SQLite::Database& database);

/// Migrates the database from its version to `version`. Before each step, a copy of an existing database is
/// made next to it (FILE.v1, …). On failure throws SQLite::Exception; the failed step has no effect.
void migrate(SQLite::Database& database, int version);

} // namespace kiln::store
