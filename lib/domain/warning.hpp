// SPDX-License-Identifier: Apache-2.0
//
// A remark on a job that can still render: run by hand, Blender would print a line or nothing.
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
  std::optional<frame_set> frames = {}; ///< the affected frames; empty: the whole job

  friend bool operator==(const warning&, const warning&) = default;
};

/// The warnings of a JSON array of objects {kind, message, frames}, at most most_warnings. Invalid entries
/// are skipped and long messages are cut. Empty for any other value.
[[nodiscard]] std::vector<warning> read_warnings(const boost::json::value* from);

[[nodiscard]] boost::json::array format_warnings(const std::vector<warning>& all);

/// Adds the warnings that `to` does not have yet, while there is room. Returns the added ones.
std::vector<warning> add_warnings(std::vector<warning>& to, const std::vector<warning>& more);

} // namespace kiln::domain
