// SPDX-License-Identifier: Apache-2.0
//
// An attempt's files. Blender writes into a workspace that is the attempt's own; a verified frame is moved
// from there to its final path by rename, so workspace and output lie in one file system. These calls block:
// for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "domain/failure.hpp"
#include "domain/frame_set.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::executor {

struct attempt_paths {
  std::filesystem::path directory; ///< where its Blender works: the workspace, or its session's directory
  std::filesystem::path workspace; ///< OUTPUT/.kiln/JOB-N or SESSION/JOB-N: frames that are being written
  std::filesystem::path temp;      ///< DIRECTORY/tmp: Blender's temporary directory
  std::filesystem::path script;    ///< DIRECTORY/kiln_setup.py
  std::filesystem::path final_dir; ///< OUTPUT/JOB: published frames
  std::filesystem::path log;       ///< STATE/logs/JOB-N.log
};

[[nodiscard]] attempt_paths paths_of(const attempt_id& id, const std::filesystem::path& output,
                                     const std::filesystem::path& state);

/// The same when a session renders it that works in `directory`.
[[nodiscard]] attempt_paths paths_in_session(const attempt_id& id, const std::filesystem::path& directory,
                                             const std::filesystem::path& output,
                                             const std::filesystem::path& state);

/// Where an attempt of an earlier life of the daemon has its workspace.
[[nodiscard]] attempt_paths find_paths(const attempt_id& id, const std::filesystem::path& output,
                                       const std::filesystem::path& state);

/// OUTPUT/.kiln/session-…: what a session's directory is called.
inline constexpr std::string_view session_directory_prefix = "session-";

/// Opens a .blend for reading, where it may be opened. It may be called from several threads at once.
using blend_opener = std::function<result<aio::unique_descriptor>(const std::filesystem::path& blend)>;

/// Wherever it is.
[[nodiscard]] result<aio::unique_descriptor> open_anywhere(const std::filesystem::path& blend);

/// Whether this is a .blend that can be read: nothing, or blend_unreadable with the reason.
[[nodiscard]] std::optional<domain::failure> check_blend(const std::filesystem::path& blend,
                                                         const blend_opener& open = open_anywhere);

/// Makes the directories, the workspace empty, writes the script for a Blender of its own, and checks that
/// `blend` is a .blend that can be read. Nothing when all is well, else blend_unreadable, output_unwritable
/// or disk_full.
[[nodiscard]] std::optional<domain::failure> prepare(const attempt_paths& paths,
                                                     const std::filesystem::path& blend,
                                                     const blend_opener& open = open_anywhere);

/// Moves a regular file (never a link) to `to`, on disk when it returns: fsync, rename, fsync of the
/// directory. Directories that are links are refused, so that nothing outside the output is touched. The
/// file's size in bytes.
[[nodiscard]] result<std::uintmax_t> publish(const std::filesystem::path& from,
                                             const std::filesystem::path& to);

/// The names of what lies in the workspace. Empty when it cannot be read.
[[nodiscard]] std::vector<std::string> list_files(const std::filesystem::path& workspace);

/// Frames that stand in the directory of a job.
[[nodiscard]] domain::frame_set published_frames(const std::filesystem::path& final_dir);

/// What lies in OUTPUT/.kiln: directories of attempts, of sessions with attempts in them, and others.
struct left_over {
  std::filesystem::path directory;
  std::vector<attempt_id> attempts;
};
[[nodiscard]] std::vector<left_over> list_left_over(const std::filesystem::path& output);

/// Removes OUTPUT/JOB and STATE/logs/JOB-*.log. An error names what could not be removed.
[[nodiscard]] result<void> discard(const job_id& of, const std::filesystem::path& output,
                                   const std::filesystem::path& state);

/// What the file system of `path` has left for us. A large number when that cannot be known.
[[nodiscard]] std::uintmax_t free_bytes(const std::filesystem::path& path);

/// Removes the workspace with all it holds, and the job's directory if nothing was published there.
void remove(const attempt_paths& paths) noexcept;

/// The failure for an error of writing: disk_full for ENOSPC and EDQUOT, else output_unwritable.
[[nodiscard]] domain::failure write_failure(const error& e);

} // namespace kiln::executor
