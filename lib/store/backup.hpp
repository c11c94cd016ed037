// SPDX-License-Identifier: Apache-2.0
//
// A copy of the jobs, whole and of one moment, also while a daemon uses them.
#pragma once

#include "base/error.hpp"

#include <filesystem>

namespace kiln::store {

/// Copies the database at `from` to `to`, which must not exist (conflict when it does).
[[nodiscard]] result<void> back_up(const std::filesystem::path& from, const std::filesystem::path& to);

} // namespace kiln::store
