// SPDX-License-Identifier: Apache-2.0
//
// Files that only kilnd's user may read: the store holds the secrets of webhooks.
#pragma once

#include <filesystem>

namespace kiln::store {

/// Makes an empty file of mode 0600. SQLite takes it for a new database, writes into it, and gives -wal and
/// -shm its mode. Throws filesystem_error, also if the file exists.
void make_private_file(const std::filesystem::path& file);

} // namespace kiln::store
