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
  std::filesystem::path directory;  ///< where its Blender works: the workspace, or its session's directory
  std::filesystem::path workspace;  ///< OUTPUT/.kiln/JOB-N or SESSION/JOB-N: frames that are being written
  std::filesystem::path temp;       ///< DIRECTORY/tmp: Blender's temporary directory
  std::filesystem::path script;     ///< DIRECTORY/kiln_setup.py
  std::filesystem::path final_dir;  ///< OUTPUT/JOB: published frames
  std::filesystem::path log;        ///< STATE/logs/JOB-N.log
  std::filesystem::path place = {}; ///< STATE/attempts/JOB-N: see attempt_places.hpp
  std::filesystem::path printed =
      {}; ///< OUTPUT/.kiln/printed-JOB-N: what Blender prints; see output/log_copy.hpp
  std::filesystem::path taken = {}; ///< OUTPUT/.kiln/taken-JOB-N: frames that are being verified
};

[[nodiscard]] attempt_paths paths_of(const attempt_id& id, const std::filesystem::path& output,
                                     const std::filesystem::path& state);

/// The same when a session renders it that works in `directory`.
[[nodiscard]] attempt_paths paths_in_session(const attempt_id& id, const std::filesystem::path& directory,
                                             const std::filesystem::path& output,
                                             const std::filesystem::path& state);

/// The paths of an attempt of an earlier life of the daemon, by what that has kept in the state directory.
[[nodiscard]] attempt_paths find_paths(const attempt_id& id, const std::filesystem::path& output,
                                       const std::filesystem::path& state);

/// Opens a .blend for reading, where it may be opened. It may be called from several threads at once.
using blend_opener = std::function<result<aio::unique_descriptor>(const std::filesystem::path& blend)>;

/// Wherever it is.
[[nodiscard]] result<aio::unique_descriptor> open_anywhere(const std::filesystem::path& blend);

/// What the beginning of a .blend says, or blend_unreadable with the reason.
[[nodiscard]] std::variant<blender::blend_facts, domain::failure>
read_blend(const std::filesystem::path& blend, const blend_opener& open = open_anywhere);

/// Whether this is a .blend that can be read: nothing, or blend_unreadable with the reason.
[[nodiscard]] std::optional<domain::failure> check_blend(const std::filesystem::path& blend,
                                                         const blend_opener& open = open_anywhere);

/// Makes the directories, the workspace empty, writes the script for a Blender of its own, and checks that
/// `blend` is a .blend that can be read. Nothing when all is well, else blend_unreadable, output_unwritable
/// or disk_full.
[[nodiscard]] std::optional<domain::failure> prepare(const attempt_paths& paths,
                                                     const std::filesystem::path& blend,
                                                     const blend_opener& open = open_anywhere);

/// The scripts that Blender runs (setup_script.hpp), into the directory of an attempt or of a session.
[[nodiscard]] result<void> write_scripts(const std::filesystem::path& directory);

/// The directories in OUTPUT/.kiln: of attempts, of sessions, and others.
[[nodiscard]] std::vector<std::filesystem::path> list_left_over(const std::filesystem::path& output);

/// Removes the workspace with all it holds, the job's directory if nothing was published there, and what is
/// kept of the attempt's place.
void remove(const attempt_paths& paths) noexcept;

/// The failure for an error of writing: disk_full for ENOSPC and EDQUOT, else output_unwritable.
[[nodiscard]] domain::failure write_failure(const error& e);

} // namespace kiln::executor
