// SPDX-License-Identifier: Apache-2.0
//
// The tables, as migrations: each takes the database from one version (user_version) to the next. They are
// never edited, only added to.
#pragma once

#include "base/error.hpp"

#include <SQLiteCpp/Database.h>

namespace kiln::store {

inline constexpr int application_id = 0x4b696c6e; ///< "Kiln": PRAGMA application_id

[[nodiscard]] int newest_version() noexcept;

/// The version of a database: 0 when it is empty.
[[nodiscard]] int version_of(SQLite::Database& database);

/// Brings it from its version to `version`; before each step of one that is not new, a copy is made
/// beside it (FILE.v1, …). Throws SQLite::Exception, and leaves the database as it was before the step.
void migrate(SQLite::Database& database, int version);

} // namespace kiln::store
