// SPDX-License-Identifier: Apache-2.0
//
// The file of the tokens on disk: read by kilnd, changed by `kilnd token`. It is replaced whole or not at
// all, and refused when others can read it or write to it. Blocks: never on the loop.
#pragma once

#include "access/token.hpp"

#include <filesystem>
#include <functional>

namespace kiln::access {

/// not_found when it is not there. Other errors name the file and say what to do.
[[nodiscard]] result<std::vector<token>> read_token_file(const std::filesystem::path& file);

/// Makes the file when it is not there. `change` gives what is wrong with the wish, which leaves all as it
/// was. Those who change it at the same time do so one after the other.
[[nodiscard]] result<void>
change_token_file(const std::filesystem::path& file,
                  const std::function<result<void>(std::vector<token>& tokens)>& change);

} // namespace kiln::access
