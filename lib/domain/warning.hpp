// SPDX-License-Identifier: Apache-2.0
//
// A remark on a job that renders all the same: by hand it would be a line in a console, or nothing.
#pragma once

#include "domain/frame_set.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kiln::domain {

inline constexpr std::size_t most_warnings = 50; ///< of one job

struct warning {
  std::string kind;                     ///< for programs: 1 to 40 of a-z and _
  std::string message;                  ///< for people
  std::optional<frame_set> frames = {}; ///< those that it is about; empty: the whole job

  friend bool operator==(const warning&, const warning&) = default;
};

/// The warnings of a JSON array of objects {kind, message, frames}, at most most_warnings. An entry that is
/// none is left out, a message that is too long is cut. Nothing for any other value.
[[nodiscard]] std::vector<warning> read_warnings(const boost::json::value* from);

[[nodiscard]] boost::json::array format_warnings(const std::vector<warning>& all);

/// Adds those that `to` does not have yet, while there is room. Those that were added.
std::vector<warning> add_warnings(std::vector<warning>& to, const std::vector<warning>& more);

} // namespace kiln::domain
