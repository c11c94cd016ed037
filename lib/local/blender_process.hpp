// SPDX-License-Identifier: Apache-2.0
//
// The only place that starts a Blender on this machine, for one attempt or for a session.
#pragma once

#include "aio/blocking_pool.hpp"
#include "base/error.hpp"
#include "base/histogram.hpp"
#include "executor/workspace.hpp"
#include "local/blender_bounds.hpp"
#include "local/installs.hpp"
#include "policy/session_keeping.hpp"
#include "process/child.hpp"
#include "process/confinement.hpp"
#include "process/control_group.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace kiln::local {

/// Overhead of all attempts in addition to rendering, in seconds.
struct local_times {
  local_times();
  histogram spawn; ///< time that starting a process blocks the loop
  histogram exit;  ///< from the end of an attempt until its log and frames are processed
};

struct local_settings {
  std::shared_ptr<installs> blenders;   ///< never null
  std::filesystem::path output;         ///< absolute; frames go to OUTPUT/JOB
  std::filesystem::path state;          ///< absolute; logs go to STATE/logs
  std::vector<std::string> environment; ///< "KEY=VALUE" for Blender, without the temporary directory
  std::chrono::milliseconds stop_grace{10'000};
  std::chrono::milliseconds frame_grace{2'000}; ///< for finishing a frame when its job is cancelled
  policy::session_limits sessions = {.idle = 0};
  process::mechanism sandbox = process::mechanism::off;
  process::walls walls = {}; ///< walls_around_blender()
  blender_bounds bounds = {};
  std::shared_ptr<process::control_groups> groups = {};        ///< enforce these; null: looks alone do
  process::credentials_ptr run_as = {};                        ///< Blender's user; null: kilnd's own
  executor::blend_opener open_blend = executor::open_anywhere; ///< for an attempt's .blend
  std::shared_ptr<local_times> times = std::make_shared<local_times>();
};

struct blender_start {
  blender::install blender;
  std::vector<std::string> arguments;
  executor::attempt_paths paths; ///< its working directory is `directory`; it first prints to `printed`
  std::filesystem::path blend;
  int input = -1; ///< becomes its standard input; -1: none
  process::confinement_ptr sandbox = {};
};

/// The environment variable that identifies such a process: "TMPDIR=…".
[[nodiscard]] std::string mark_of(const std::filesystem::path& temp);

/// The sandbox for a Blender that works in the directory of `paths` and opens `blend`.
[[nodiscard]] aio::task<result<process::confinement_ptr>>
confine_blender(aio::blocking_pool& pool, const local_settings& settings,
                std::vector<std::filesystem::path> places_of_blender, executor::attempt_paths paths,
                std::filesystem::path blend);

/// Fails with a system error if the program is missing.
[[nodiscard]] result<std::unique_ptr<process::child>>
start_blender(aio::executor_type loop, const local_settings& settings, blender_start how);

} // namespace kiln::local
