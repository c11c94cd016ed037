// SPDX-License-Identifier: Apache-2.0
//
// An array of tasks as sbatch's arguments, and what sbatch answers: pure. Values become arguments of their
// own; none becomes text of a script.
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
  std::string owner;               ///< this Kiln, among those of the same user: for the comment
  std::filesystem::path directory; ///< of the array
  std::filesystem::path final_dir; ///< of the job's published frames
  std::filesystem::path script;    ///< the batch script
  std::string blender;             ///< as the nodes know it
  std::size_t tasks = 0;           ///< at least 1
  std::size_t at_once = 0;         ///< tasks of it that may run at once; 0: any number
  domain::slurm_settings fields;   ///< as the job asks
  int priority = 0;                ///< of the job
  int nice_step = 1;               ///< Slurm's nice for each step of the priority below the highest
  int threads = 0;                 ///< CPUs of a task; 0: as the site has it
  std::optional<std::chrono::minutes> time = {}; ///< where the job asks for none
  int memory_factor = 1;                         ///< times what the job asks for, after it was not enough
  std::vector<std::string> site_options = {};    ///< of the operator, for every job
};

[[nodiscard]] std::vector<std::string> format_sbatch_arguments(const submission& s);

/// Slurm's nice for a priority of Kiln: 0 for the highest.
[[nodiscard]] int nice_of(int priority, int step) noexcept;

/// "16G", 2 → "32G"; as it is when it is no such size.
[[nodiscard]] std::string scale_memory(std::string_view memory, int factor);

/// The array's id, from "1207", "1207;cluster" or "Submitted batch job 1207" among whatever else a wrapper
/// prints. Nothing when there is none, or more than one.
[[nodiscard]] std::optional<std::uint64_t> parse_submitted(std::string_view text);

enum class refusal {
  away,      ///< slurmctld cannot be reached or is busy: later. It may have taken the job nevertheless
  full,      ///< a limit on the number of jobs: later, or with fewer tasks
  too_many,  ///< more tasks than an array may have
  bad_field, ///< the job asks for what the site does not have
  unknown,
};
[[nodiscard]] refusal parse_refusal(std::string_view text) noexcept;

/// What a command that failed says, for people: its errors, else all of it.
[[nodiscard]] std::string describe_refusal(std::string_view text);

} // namespace kiln::slurm
