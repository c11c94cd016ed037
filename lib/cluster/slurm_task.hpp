// SPDX-License-Identifier: Apache-2.0
//
// One task of a Slurm array: collects the output of its runs and Slurm's reports about it until it has ended.
// Passive: its attempt polls files and queue, and passes in the results.
#pragma once

#include "cluster/array_files.hpp"
#include "executor/frame_intake.hpp"
#include "executor/log_notes.hpp"
#include "policy/frame_course.hpp"
#include "policy/parallel.hpp"
#include "slurm/queue.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kiln::cluster {

class slurm_task {
public:
  struct news {
    executor::published_frame frame;
    std::optional<double> start_up; ///< seconds, of the first frame of a run
  };
  struct listener {
    std::function<void(const news&)> on_frame;
    std::function<void(const blender::scene_report&)> on_report;
    std::function<void(const domain::warning&)> on_warning;
  };

  /// The objects passed by reference must outlive it. `directory`: of its array.
  slurm_task(aio::blocking_pool& pool, image::image_check& images, std::filesystem::path directory,
             std::filesystem::path final_dir, domain::frame_set frames, const listener& told);
  slurm_task(const slurm_task&) = delete;
  slurm_task& operator=(const slurm_task&) = delete;

  /// Takes in the output of a run since the previous poll.
  [[nodiscard]] aio::task<> take(seen_run run);

  /// Updates it from a poll of the queue; null: not in the queue.
  void see(const slurm::queue_row* row, aio::clock::time_point now);

  [[nodiscard]] slurm::task_end decide(aio::clock::time_point now, std::chrono::milliseconds lag) const;

  /// Records its end in the facts. `said`: error output of the batch script; `name`: Slurm's name.
  void conclude(slurm::task_end how, const std::string& said, const std::string& name);

  /// The task was asked to end: no later failure is its fault.
  void give_up() { given_up_ = true; }
  [[nodiscard]] bool is_given_up() const noexcept { return given_up_; }
  /// The task gave no sign of life for too long and is being ended.
  void mark_stalled() { stalled_ = true; }
  [[nodiscard]] bool is_stalled() const noexcept { return stalled_; }

  [[nodiscard]] const domain::attempt_facts& facts() const noexcept { return facts_; }
  [[nodiscard]] const std::optional<slurm::queue_row>& row() const noexcept { return row_; }
  [[nodiscard]] bool is_running() const noexcept;
  [[nodiscard]] bool is_waiting() const noexcept;
  [[nodiscard]] bool has_ended_by_itself() const noexcept;
  [[nodiscard]] aio::clock::time_point last_sign() const noexcept { return last_sign_; }
  [[nodiscard]] std::map<slurm::run_name, std::uint64_t> log_positions() const;
  [[nodiscard]] std::vector<slurm::run_name> runs() const;
  [[nodiscard]] policy::running_task standing(aio::clock::time_point now) const;
  [[nodiscard]] const std::optional<blender::frame_progress>& progress() const noexcept { return progress_; }
  [[nodiscard]] std::size_t frames_twice() const noexcept { return twice_; }

private:
  struct run {
    std::uint64_t log_at = 0;
    std::int64_t last_ns = 0;                ///< when its last frame was done, by the node's clock
    std::map<std::string, seen_file> before; ///< frames present at the last poll and not taken
    std::set<std::string> twice;             ///< frames that another run had rendered already
    std::unique_ptr<executor::log_notes> notes;
    std::optional<slurm::task_record> record;
    aio::clock::time_point record_seen;
    bool is_loaded = false;
  };

  void note(const blender::frame_progress& said, aio::clock::time_point now);
  [[nodiscard]] aio::task<> take_frame(const slurm::run_name& name, const seen_run& seen, std::size_t index);
  [[nodiscard]] const run* newest() const;

  std::filesystem::path directory_;
  const listener& told_;
  domain::attempt_facts facts_;
  executor::frame_intake frames_;
  std::map<slurm::run_name, run> runs_;
  std::optional<blender::frame_progress> progress_;
  std::optional<policy::frame_course> course_; ///< of the current frame
  std::optional<slurm::queue_row> row_;
  bool was_queued_ = false, given_up_ = false, stalled_ = false;
  int looks_over_ = 0;
  std::size_t twice_ = 0;
  aio::clock::time_point over_since_, last_sign_, frame_began_;
};

} // namespace kiln::cluster
