// SPDX-License-Identifier: Apache-2.0
//
// How a Blender is started on this machine: the one place, for those of one attempt and for those that stay.
#pragma once

#include "aio/blocking_pool.hpp"
#include "base/error.hpp"
#include "base/histogram.hpp"
#include "executor/workspace.hpp"
#include "local/installs.hpp"
#include "policy/session_keeping.hpp"
#include "process/child.hpp"
#include "process/confinement.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace kiln::local {

/// What attempts cost besides rendering, in seconds, over all of them.
struct local_times {
  local_times();
  histogram spawn; ///< for which starting a process holds the loop
  histogram exit;  ///< from the end of an attempt until its log and frames are dealt with
};

struct local_settings {
  std::shared_ptr<installs> blenders;   ///< never null
  std::filesystem::path output;         ///< absolute; frames go to OUTPUT/JOB
  std::filesystem::path state;          ///< absolute; logs go to STATE/logs
  std::vector<std::string> environment; ///< "KEY=VALUE" for Blender, without the temporary directory
  std::chrono::milliseconds stop_grace{10'000};
  std::chrono::milliseconds frame_grace{2'000}; ///< for a frame to be finished, when its job is cancelled
  policy::session_limits sessions = {.idle = 0};
  process::mechanism sandbox = process::mechanism::off;
  process::walls walls = {};                                   ///< walls_around_blender()
  executor::blend_opener open_blend = executor::open_anywhere; ///< of jobs, when an attempt begins
  std::shared_ptr<local_times> times = std::make_shared<local_times>();
};

struct blender_start {
  blender::install blender;
  std::vector<std::string> arguments;
  executor::attempt_paths paths; ///< of them it works in `directory`, and first prints to `printed`
  std::filesystem::path blend;
  int input = -1; ///< becomes its standard input, where there is one
  process::confinement_ptr sandbox = {};
};

/// What such a process has in its environment, and nobody else has: "TMPDIR=…".
[[nodiscard]] std::string mark_of(const std::filesystem::path& temp);

/// The sandbox of a Blender that works in the directory of `paths` and opens `blend`.
[[nodiscard]] aio::task<result<process::confinement_ptr>>
confine_blender(aio::blocking_pool& pool, const local_settings& settings,
                std::vector<std::filesystem::path> places_of_blender, executor::attempt_paths paths,
                std::filesystem::path blend);

/// Fails with an error of the system if there is no program.
[[nodiscard]] result<std::unique_ptr<process::child>>
start_blender(aio::executor_type loop, const local_settings& settings, blender_start how);

} // namespace kiln::local
