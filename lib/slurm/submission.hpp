// SPDX-License-Identifier: Apache-2.0
//
// Formats an array of tasks as sbatch's arguments and parses sbatch's answer: pure. Values become separate
// arguments, never script text.
#pragma once

#include "domain/job.hpp"
#include "slurm/names.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::slurm {

struct submission {
  array_name name;
  std::string owner;               ///< id of this Kiln among those of the same user, for the comment
  std::filesystem::path directory; ///< of the array
  std::filesystem::path final_dir; ///< of the job's published frames
  std::filesystem::path script;    ///< the batch script
  std::string blender;             ///< path or name on the nodes
  std::size_t tasks = 0;           ///< at least 1
  std::size_t at_once = 0;         ///< limit of tasks running at once; 0: none
  domain::slurm_settings fields;   ///< options of the job
  int priority = 0;                ///< of the job
  int nice_step = 1;               ///< Slurm's nice for each step of the priority below the highest
  int threads = 0;                 ///< CPUs of a task; 0: the site's default
  std::optional<std::chrono::minutes> time = {}; ///< if the job sets none
  int memory_factor = 1;                         ///< multiplier of the job's memory after it was not enough
  std::vector<std::string> site_options = {};    ///< of the operator, for every job
};

[[nodiscard]] std::vector<std::string> format_sbatch_arguments(const submission& s);

/// Slurm's nice for a priority of Kiln: 0 for the highest.
[[nodiscard]] int nice_of(int priority, int step) noexcept;

/// "16G", 2 → "32G"; unchanged if it is not such a size.
[[nodiscard]] std::string scale_memory(std::string_view memory, int factor);

/// The array's id, from "1207", "1207;cluster" or "Submitted batch job 1207" among other output of a wrapper.
/// Nullopt if there is none, or more than one.
[[nodiscard]] std::optional<std::uint64_t> parse_submitted(std::string_view text);

enum class refusal {
  away,      ///< slurmctld is unreachable or busy: later. It may still have accepted the job
  full,      ///< a limit on the number of jobs: later, or with fewer tasks
  too_many,  ///< more tasks than an array may have
  bad_field, ///< the site does not have what the job asks for
  unknown,
};
[[nodiscard]] refusal parse_refusal(std::string_view text) noexcept;

/// The output of a failed command, for people: its errors, otherwise all of it.
[[nodiscard]] std::string describe_refusal(std::string_view text);

} // namespace kiln::slurm
