// SPDX-License-Identifier: Apache-2.0
//
// The script that a node runs for each task (batch_script.sh): renders the frames in one line of a file.
#pragma once

#include <string_view>

namespace kiln::slurm {

extern const std::string_view batch_script;

// Files of an array's directory.
inline constexpr std::string_view tasks_file = "tasks";   ///< one line per task (chunks.hpp)
inline constexpr std::string_view before_file = "before"; ///< Blender's arguments, each terminated by NUL
inline constexpr std::string_view after_file = "after";   ///< the same, for the last arguments
inline constexpr std::string_view site_file = "site";     ///< the operator's template, if any
// Files of a run's directory.
inline constexpr std::string_view began_file = "began";
inline constexpr std::string_view loaded_file = "loaded";
inline constexpr std::string_view log_file = "blender.log";
inline constexpr std::string_view record_file = "ended"; ///< task_end.hpp

} // namespace kiln::slurm
