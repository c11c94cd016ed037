// SPDX-License-Identifier: Apache-2.0
//
// Files that only kilnd's user may read: the store holds the secrets of webhooks.
#pragma once

#include <filesystem>

namespace kiln::store {

/// Creates an empty file of mode 0600. SQLite treats it as a new database and gives -wal and -shm the same
/// mode. Throws filesystem_error, also if the file exists.
void make_private_file(const std::filesystem::path& file);

} // namespace kiln::store
