// SPDX-License-Identifier: Apache-2.0
//
// A consistent copy of the database, also while a daemon uses it.
#pragma once

#include "base/error.hpp"

#include <filesystem>

namespace kiln::store {

/// Copies the database at `from` to `to`, which must not exist (conflict if it does).
[[nodiscard]] result<void> back_up(const std::filesystem::path& from, const std::filesystem::path& to);

} // namespace kiln::store
