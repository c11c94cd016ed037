// SPDX-License-Identifier: Apache-2.0
//
// An attempt's files. Blender writes into a workspace that is the attempt's own; a frame is moved from there
// to its final path by rename (taken_frame.hpp), so workspace and output lie in one file system. These calls
// block: for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "blender/packed_begin.hpp"
#include "domain/failure.hpp"
#include "executor/attempt_places.hpp"
#include "process/credentials.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kiln::executor {

struct attempt_paths {
  std::filesystem::path directory;  ///< where its Blender works: the workspace or its session's directory
  std::filesystem::path workspace;  ///< OUTPUT/.kiln/JOB-N or SESSION/JOB-N: frames that are being written
  std::filesystem::path temp;       ///< DIRECTORY/tmp: Blender's temporary directory
  std::filesystem::path script;     ///< DIRECTORY/kiln_setup.py
  std::filesystem::path final_dir;  ///< OUTPUT/JOB: published frames
  std::filesystem::path log;        ///< STATE/logs/JOB-N.log
  std::filesystem::path place = {}; ///< STATE/attempts/JOB-N: see attempt_places.hpp
  std::filesystem::path printed =
      {}; ///< OUTPUT/.kiln/printed-JOB-N: output of Blender; see output/log_copy.hpp
  std::filesystem::path taken = {}; ///< OUTPUT/.kiln/taken-JOB-N: frames that are being verified
};

[[nodiscard]] attempt_paths paths_of(const attempt_id& id, const std::filesystem::path& output,
                                     const std::filesystem::path& state);

/// The same for an attempt rendered by the session whose directory is `directory`.
[[nodiscard]] attempt_paths paths_in_session(const attempt_id& id, const std::filesystem::path& directory,
                                             const std::filesystem::path& output,
                                             const std::filesystem::path& state);

/// The paths of an attempt from an earlier run of the daemon, from its entry in the state directory.
[[nodiscard]] attempt_paths find_paths(const attempt_id& id, const std::filesystem::path& output,
                                       const std::filesystem::path& state);

/// Opens a .blend for reading, if permitted. May be called from several threads at once.
using blend_opener = std::function<result<aio::unique_descriptor>(const std::filesystem::path& blend)>;

/// Opens a .blend at any place.
[[nodiscard]] result<aio::unique_descriptor> open_anywhere(const std::filesystem::path& blend);

/// The facts in the header of a .blend, or blend_unreadable with the reason.
[[nodiscard]] std::variant<blender::blend_facts, domain::failure>
read_blend(const std::filesystem::path& blend, const blend_opener& open = open_anywhere);

/// Nullopt if this is a readable .blend, otherwise blend_unreadable with the reason.
[[nodiscard]] std::optional<domain::failure> check_blend(const std::filesystem::path& blend,
                                                         const blend_opener& open = open_anywhere);

/// Creates the directories with an empty workspace, writes the script for an attempt with its own Blender,
/// and checks that `blend` is a readable .blend. `user`: of its Blender, which alone can use the workspace;
/// null: kilnd's own. Returns nullopt on success, otherwise blend_unreadable, output_unwritable or disk_full.
[[nodiscard]] std::optional<domain::failure> prepare(const attempt_paths& paths,
                                                     const std::filesystem::path& blend,
                                                     const blend_opener& open = open_anywhere,
                                                     const process::credentials* user = nullptr);

/// Writes the scripts that Blender runs (setup_script.hpp) to the directory of an attempt or a session.
[[nodiscard]] result<void> write_scripts(const std::filesystem::path& directory);

/// The directories in OUTPUT/.kiln: of attempts, of sessions, and others.
[[nodiscard]] std::vector<std::filesystem::path> list_left_over(const std::filesystem::path& output);

/// Removes the workspace with its content, the job's directory if empty, and the attempt's entry in the state
/// directory.
void remove(const attempt_paths& paths) noexcept;

/// The failure for an error of writing: disk_full for ENOSPC and EDQUOT, else output_unwritable.
[[nodiscard]] domain::failure write_failure(const error& e);

} // namespace kiln::executor
