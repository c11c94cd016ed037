// SPDX-License-Identifier: Apache-2.0
//
// The directory of a Slurm array on the shared file system: what its tasks read, and what their runs have
// written so far. Other nodes write there, so it is looked at again and again: inotify does not tell of them.
// These calls block: for the pool.
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
  std::filesystem::path site_template;    ///< is copied; empty: none
};

/// Makes the directory and writes what the tasks read.
[[nodiscard]] result<void> write_array(const std::filesystem::path& directory, const array_text& text);
/// Whether all that its tasks need is still there.
[[nodiscard]] bool is_array_whole(const std::filesystem::path& directory);

/// What is known of an array after a restart.
struct kept_array {
  int number = 0;
  std::optional<std::uint64_t> id = {}; ///< Slurm's, once sbatch has answered
  std::vector<domain::frame_set> tasks = {};
  std::set<int> judged = {}; ///< tasks whose end was told
};
/// Those in the workspace of an attempt, by their numbers. What is not whole is left out.
[[nodiscard]] std::vector<kept_array> read_arrays(const std::filesystem::path& workspace);
/// The highest number of an array's directory there, whole or not; 0 for none.
[[nodiscard]] int last_array(const std::filesystem::path& workspace);

[[nodiscard]] result<void> write_id(const std::filesystem::path& directory, std::uint64_t id);
/// Before the end of a task is told: it is told once, also over a crash.
[[nodiscard]] result<void> add_judged(const std::filesystem::path& directory, int task);

struct seen_file {
  std::string name;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0; ///< by the clock of who wrote it: for differences within one run
};

/// A run as it was when it was looked at.
struct seen_run {
  slurm::run_name name;
  std::optional<std::int64_t> began_ns = {}, loaded_ns = {};
  std::vector<seen_file> frames = {}; ///< by their frames
  std::string log = {};               ///< what it has more than last time
  bool log_is_whole = true;           ///< no more of it was there
  std::optional<slurm::task_record> record = {};
};

/// The runs of `tasks`; of each the log from `log_from` on.
[[nodiscard]] std::vector<seen_run> look_at_runs(const std::filesystem::path& directory,
                                                 const std::set<int>& tasks,
                                                 const std::map<slurm::run_name, std::uint64_t>& log_from);

/// Appends the log of a run to that of its attempt, with a line that says whose it is, and removes the run.
/// What was appended.
[[nodiscard]] std::string keep_log(const std::filesystem::path& directory, const slurm::run_name& run,
                                   const std::string& title, const std::filesystem::path& log);

/// The line that says whose log follows. `task`: as Slurm calls it; `node`: empty where it is not known.
[[nodiscard]] std::string log_title(const domain::frame_set& frames, const std::string& task,
                                    const std::string& node);

/// Of a task that an earlier life of the daemon has taken in and not judged: keeps the logs of its runs, and
/// judges it.
void conclude_task(const std::filesystem::path& directory, int task, const std::string& title,
                   const std::filesystem::path& log);

/// What the batch script itself has complained of; empty when it has not.
[[nodiscard]] std::string read_task_output(const std::filesystem::path& directory, int task);

/// Removes what is left of a task.
void remove_task(const std::filesystem::path& directory, int task) noexcept;

} // namespace kiln::cluster
