// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "blender/install.hpp"
#include "executor/workspace.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace kiln::cluster {

struct slurm_settings {
  std::filesystem::path programs; ///< directory of sbatch and the others; empty: they are looked up in PATH
  std::vector<blender::install> blenders; ///< as seen by the nodes: a path, or a name in their PATH
  std::filesystem::path output; ///< absolute, and the same place on the nodes; frames go to OUTPUT/JOB
  std::filesystem::path state;  ///< absolute; logs go to STATE/logs
  std::vector<std::string> environment; ///< "KEY=VALUE" for Slurm's programs, which pass it to the tasks
  std::filesystem::path site_template;  ///< a script that runs "$@" on a node; empty: none
  std::vector<std::string> options;     ///< of sbatch, for every job
  std::size_t tasks_at_once = 300;      ///< of one job
  std::size_t tasks_of_an_array = 1000; ///< below the site's MaxArraySize
  double task_seconds = 300;            ///< target duration of a task
  int nice_step = 1;
  std::chrono::milliseconds poll{2000};       ///< interval between polls of the queue and the files
  std::chrono::milliseconds lag{60'000};      ///< longest delay of the shared file system
  std::chrono::milliseconds deadline{30'000}; ///< of each of Slurm's programs
  executor::blend_opener open_blend = executor::open_anywhere; ///< for an attempt's .blend
};

} // namespace kiln::cluster
