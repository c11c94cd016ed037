// SPDX-License-Identifier: Apache-2.0
//
// Published frames and logs on the disk: listed, opened for reading, removed. Links are never followed. These
// calls block: for the pool.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "domain/frame_set.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kiln::output {

/// An open regular file and its facts. If the file is replaced later, this one stays unchanged.
struct result_file {
  std::shared_ptr<const aio::unique_descriptor> file;
  std::string name;
  std::uint64_t size = 0; ///< bytes
  std::chrono::sys_seconds modified;
  std::string mark; ///< differs for different content: from inode, size and time
};

/// The facts of a file that is not open.
struct file_facts {
  std::string name;
  std::uint64_t size = 0; ///< bytes
  std::chrono::sys_seconds modified;
  std::string mark; ///< of result_file, if the file is opened while nothing has changed it
};

/// STATE/logs/JOB-N.log
[[nodiscard]] std::filesystem::path log_of(const attempt_id& id, const std::filesystem::path& state);

/// Nullopt if it is missing or not a regular file.
[[nodiscard]] std::optional<result_file> open_file(const std::filesystem::path& file);

/// not_found if the frame is not there.
[[nodiscard]] result<result_file> open_frame(const std::filesystem::path& final_dir, int frame);

/// The same without opening it. Nullopt if the frame is not there.
[[nodiscard]] std::optional<file_facts> look_at_frame(const std::filesystem::path& final_dir, int frame);

/// A further file of a frame. not_found if there is no such file, or no such name (blender/output_name.hpp).
[[nodiscard]] result<result_file> open_output(const std::filesystem::path& final_dir,
                                              const std::string& name);

/// An image of a frame or a further file, by the name that list_results() gives. not_found if there is no
/// such file.
[[nodiscard]] result<result_file> open_result(const std::filesystem::path& final_dir,
                                              const std::string& name);

/// The logs of the job's first `attempts` attempts, oldest first, without missing ones.
[[nodiscard]] std::vector<result_file> open_logs(const job_id& of, int attempts,
                                                 const std::filesystem::path& state);

/// The names in a directory. Empty if it cannot be read.
[[nodiscard]] std::vector<std::string> list_files(const std::filesystem::path& directory);

/// The frames in the directory of a job.
[[nodiscard]] domain::frame_set published_frames(const std::filesystem::path& final_dir);

/// Sorted names of files.
using outputs_of_frames = std::map<int, std::vector<std::string>>;

/// The further files in the directory of a job, of each frame that has any.
[[nodiscard]] outputs_of_frames published_outputs(const std::filesystem::path& final_dir);

/// The images of these frames, in order, each followed by its further files. not_found if one is not a
/// regular file, and names it.
[[nodiscard]] result<std::vector<file_facts>> list_results(const std::filesystem::path& final_dir,
                                                           const domain::frame_set& of);

/// The mark of an open file, as it is now.
[[nodiscard]] std::string mark_of(const aio::unique_descriptor& file);

/// Removes OUTPUT/JOB, the pictures of its frames (views.hpp) and the logs of the job's first `attempts`
/// attempts. An error names what could not be removed.
[[nodiscard]] result<void> discard(const job_id& of, int attempts, const std::filesystem::path& output,
                                   const std::filesystem::path& state);

} // namespace kiln::output
