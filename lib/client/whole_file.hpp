// SPDX-License-Identifier: Apache-2.0
//
// Small files that are there as a whole or not at all, also after a loss of power.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::client {

/// Writes a file for this user alone: beside, fsync, rename. Creates its directory.
[[nodiscard]] result<void> write_whole(const std::filesystem::path& file, std::string_view text);

/// Nullopt if there is none.
[[nodiscard]] result<std::optional<std::string>> read_whole(const std::filesystem::path& file);

} // namespace kiln::client
