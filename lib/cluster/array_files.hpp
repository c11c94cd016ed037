// SPDX-License-Identifier: Apache-2.0
//
// The directory of a Slurm array on the shared file system: the input of its tasks and the output of their
// runs. It is polled, because inotify does not report writes of other nodes. These calls block: for the pool.
#pragma once

#include "base/error.hpp"
#include "domain/frame_set.hpp"
#include "slurm/names.hpp"
#include "slurm/task_end.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kiln::cluster {

struct array_text {
  std::vector<domain::frame_set> tasks = {};
  std::vector<std::string> before, after; ///< Blender's arguments
  std::filesystem::path site_template;    ///< copied to the directory; empty: none
};

/// Creates the directory and writes the input of the tasks.
[[nodiscard]] result<void> write_array(const std::filesystem::path& directory, const array_text& text);
/// Whether all input of its tasks is still there.
[[nodiscard]] bool is_array_whole(const std::filesystem::path& directory);

/// An array as read after a restart.
struct kept_array {
  int number = 0;
  std::optional<std::uint64_t> id = {}; ///< Slurm's, once sbatch has answered
  std::vector<domain::frame_set> tasks = {};
  std::set<int> judged = {}; ///< tasks whose end was reported
};
/// The arrays in the workspace of an attempt, by number, without incomplete ones.
[[nodiscard]] std::vector<kept_array> read_arrays(const std::filesystem::path& workspace);
/// The highest number of an array directory there, complete or not; 0 for none.
[[nodiscard]] int last_array(const std::filesystem::path& workspace);

[[nodiscard]] result<void> write_id(const std::filesystem::path& directory, std::uint64_t id);
/// Call before reporting a task's end, so that it is reported exactly once, even across a crash.
[[nodiscard]] result<void> add_judged(const std::filesystem::path& directory, int task);

struct seen_file {
  std::string name;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0; ///< by the writer's clock: only for differences within one run
};

/// A snapshot of a run.
struct seen_run {
  slurm::run_name name;
  std::optional<std::int64_t> began_ns = {}, loaded_ns = {};
  std::vector<seen_file> frames = {}; ///< sorted by frame
  std::string log = {};               ///< text appended since the last look
  bool log_is_whole = true;           ///< `log` reaches the end of the file
  std::optional<slurm::task_record> record = {};
};

/// The runs of `tasks`, with their logs from `log_from` on.
[[nodiscard]] std::vector<seen_run> look_at_runs(const std::filesystem::path& directory,
                                                 const std::set<int>& tasks,
                                                 const std::map<slurm::run_name, std::uint64_t>& log_from);

/// Appends the log of a run to the log of its attempt, below a title line, and removes the run. Returns the
/// appended text.
[[nodiscard]] std::string keep_log(const std::filesystem::path& directory, const slurm::run_name& run,
                                   const std::string& title, const std::filesystem::path& log);

/// The title line of a run's log. `task`: Slurm's name of it; `node`: empty if unknown.
[[nodiscard]] std::string log_title(const domain::frame_set& frames, const std::string& task,
                                    const std::string& node);

/// Finishes a task whose frames an earlier run of the daemon accepted without marking it judged: keeps the
/// logs of its runs, and marks it.
void conclude_task(const std::filesystem::path& directory, int task, const std::string& title,
                   const std::filesystem::path& log);

/// Error output of the batch script itself; empty if there is none.
[[nodiscard]] std::string read_task_output(const std::filesystem::path& directory, int task);

/// Removes the remaining files of a task.
void remove_task(const std::filesystem::path& directory, int task) noexcept;

} // namespace kiln::cluster
