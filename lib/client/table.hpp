// SPDX-License-Identifier: Apache-2.0
//
// Rows for people (aligned) or for programs (separated by tabs): pure.
#pragma once

#include <string>
#include <vector>

namespace kiln::client {

using row = std::vector<std::string>;

/// Columns aligned under their names.
[[nodiscard]] std::string format_table(const row& names, const std::vector<row>& rows);

/// One line a row, without names. Tabs inside a cell become spaces.
[[nodiscard]] std::string format_tabs(const std::vector<row>& rows);

} // namespace kiln::client
