// SPDX-License-Identifier: Apache-2.0
//
// What a node runs for each task (batch_script.sh): Blender over the frames of one line of a file.
#pragma once

#include <string_view>

namespace kiln::slurm {

extern const std::string_view batch_script;

// Files of an array's directory.
inline constexpr std::string_view tasks_file = "tasks";   ///< a line for each (chunks.hpp)
inline constexpr std::string_view before_file = "before"; ///< Blender's arguments, each with a NUL behind
inline constexpr std::string_view after_file = "after";   ///< the same, for those that come last
inline constexpr std::string_view site_file = "site";     ///< the operator's template, where there is one
// Files of a run's directory.
inline constexpr std::string_view began_file = "began";
inline constexpr std::string_view loaded_file = "loaded";
inline constexpr std::string_view log_file = "blender.log";
inline constexpr std::string_view record_file = "ended"; ///< task_end.hpp

} // namespace kiln::slurm
