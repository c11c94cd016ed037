// SPDX-License-Identifier: Apache-2.0
//
// One attempt on this machine: a Blender in a workspace of its own, its log read as it grows, its frames
// verified and published as they are closed. It gathers facts; what they mean is for others.
#pragma once

#include "aio/blocking_pool.hpp"
#include "base/histogram.hpp"
#include "blender/log_reader.hpp"
#include "executor/executor.hpp"
#include "executor/frame_intake.hpp"
#include "executor/workspace.hpp"
#include "image/image_check.hpp"
#include "process/confinement.hpp"
#include "process/supervised.hpp"
#include "watch/directory_watch.hpp"
#include "watch/file_tail.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace kiln::executor {

/// What attempts cost besides rendering, in seconds, over all of them.
struct local_times {
  local_times();
  histogram spawn; ///< for which starting a process holds the loop
  histogram exit;  ///< from the exit that was seen until log and frames are dealt with
};

struct local_settings {
  std::filesystem::path blender;        ///< absolute
  std::string blender_version;          ///< "Blender 3.4.1"
  std::filesystem::path output;         ///< absolute; frames go to OUTPUT/JOB
  std::filesystem::path state;          ///< absolute; logs go to STATE/logs
  std::vector<std::string> environment; ///< "KEY=VALUE" for Blender, without the temporary directory
  std::chrono::milliseconds stop_grace{10'000};
  process::mechanism sandbox = process::mechanism::off;
  process::walls walls = {};               ///< walls_around_blender()
  blend_opener open_blend = open_anywhere; ///< of jobs, when an attempt begins
  std::shared_ptr<local_times> times = std::make_shared<local_times>();
};

class local_attempt {
public:
  /// What it is given outlives it.
  local_attempt(aio::executor_type loop, const local_settings& settings, aio::blocking_pool& pool,
                image::image_check& images, attempt_request request, attempt_observer& observer);

  enum class beginning { launch, adopt };

  /// The whole life of the attempt, but for its end's news to the observer. Does not throw. Begins with a new
  /// process or with one that an earlier life of the daemon has started. `on_started` is called once the
  /// process runs. Nothing when it was left.
  [[nodiscard]] aio::task<std::optional<domain::attempt_facts>> run(beginning how,
                                                                    std::function<void()> on_started);

  /// Ends it, also when its process does not run yet. The first reason counts.
  void stop(domain::stop_reason reason);

  /// Ends the watching; the process goes on. One that does not run yet will not be started.
  void leave();

  /// Removes what it leaves behind in the output; for after run().
  [[nodiscard]] aio::task<> clean_up();

  [[nodiscard]] const attempt_id& id() const noexcept { return request_.id; }
  /// Nothing before the process runs.
  [[nodiscard]] std::optional<pid_t> pid() const noexcept;

private:
  [[nodiscard]] aio::task<> launch();
  [[nodiscard]] aio::task<> adopt();
  [[nodiscard]] aio::task<> follow(watch::directory_watch closed);
  [[nodiscard]] std::optional<domain::failure> start_process(process::confinement_ptr sandbox);
  [[nodiscard]] aio::task<> watch_time();
  [[nodiscard]] aio::task<> watch_signs_of_life();
  [[nodiscard]] aio::task<> read_log(watch::file_tail& tail);
  [[nodiscard]] aio::task<> read_frames(watch::directory_watch& closed);
  [[nodiscard]] aio::task<> rescan();
  [[nodiscard]] aio::task<> explain_rejected();
  [[nodiscard]] aio::task<> consider(std::string name);

  aio::executor_type loop_;
  const local_settings& settings_;
  aio::blocking_pool& pool_;
  attempt_request request_;
  attempt_observer& observer_;
  attempt_paths paths_;

  std::function<void()> on_started_;
  std::unique_ptr<process::supervised> process_;
  bool left_ = false;
  bool ended_ = false;               ///< its process, or our watching
  aio::clock::time_point last_sign_; ///< of life
  aio::timer time_over_;
  aio::timer sign_due_;
  domain::attempt_facts facts_;
  frame_intake frames_;
};

} // namespace kiln::executor
