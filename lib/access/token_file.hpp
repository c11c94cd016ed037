// SPDX-License-Identifier: Apache-2.0
//
// The token file on disk: read by kilnd, changed by `kilnd token`. It is replaced atomically, and refused if
// others can read or write it. Blocks: never on the loop.
#pragma once

#include "access/token.hpp"

#include <filesystem>
#include <functional>

namespace kiln::access {

/// not_found if it is missing. Other errors name the file and say what to do.
[[nodiscard]] result<std::vector<token>> read_token_file(const std::filesystem::path& file);

/// Creates the file if it is missing. An error of `change` leaves the file unchanged. Concurrent changes are
/// serialized.
[[nodiscard]] result<void>
change_token_file(const std::filesystem::path& file,
                  const std::function<result<void>(std::vector<token>& tokens)>& change);

} // namespace kiln::access
