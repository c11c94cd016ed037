// SPDX-License-Identifier: Apache-2.0
//
// The history of a job's rendering: the scheduler reports each event, and the estimate reads the progress.
// Pure: the time is passed with each call, and a clock that jumps back is ignored.
#pragma once

#include "domain/frame_progress.hpp"
#include "policy/estimate.hpp"
#include "policy/forecast.hpp"
#include "policy/frame_course.hpp"
#include "policy/parallel.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace kiln::policy {

class timeline {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// The first of the job's overlapping attempts begins. Forgets all earlier ones.
  void begin(time_point now, std::optional<forecast> of_earlier_run = {});
  /// The attempt had to wait and begins only now, or it began earlier, under another daemon.
  void began_at(time_point when) noexcept;
  /// The forecast of begin(), once it has been read.
  void expect(forecast of_earlier_run) { forecast_ = std::move(of_earlier_run); }

  /// Whether a Blender exits or stays when its frames are done.
  enum class afterwards { exits, stays };
  /// Attempt `run` has a Blender from now on, until on_end().
  void on_begin(int run, afterwards what, time_point now);
  /// The Blender of attempt `run` has printed a line, or begins a frame. `counts`: the frame belongs to this
  /// run and is not published. Returns the loading time in seconds if this event ends the loading.
  std::optional<double> on_progress(int run, const domain::frame_progress& said, bool counts, time_point now);
  /// A frame of attempt `run` is published. `closed`: when its file was complete; `seconds`: its duration, if
  /// measured elsewhere.
  void on_published(int run, int frame, time_point closed, std::optional<double> seconds);
  /// The Blender of attempt `run` is gone.
  void on_end(int run);
  /// The attempt runs elsewhere, as many tasks: their progress, and the latest line of one of them.
  void on_tasks(const parallel_progress& now);
  void show(const domain::frame_progress& said) noexcept;

  /// The progress of a job rendered by one Blender. `frames_left`: frames neither done nor given up.
  [[nodiscard]] progress at(time_point now, int frames_left) const;
  /// The same for several Blenders sharing the frames. `frames_left`: of each attempt, including the current
  /// one; `frames_waiting`: frames that no attempt has.
  [[nodiscard]] parallel_progress shared_at(time_point now, const std::map<int, std::size_t>& frames_left,
                                            std::size_t frames_waiting) const;
  /// Completed work on unpublished frames, in frames, 0 or more. Together with the published ones it never
  /// decreases, unless a Blender ends before its frames are done.
  [[nodiscard]] double frames_in_work() const noexcept;
  [[nodiscard]] const frame_timing& timing() const noexcept { return timing_; }
  /// From the attempt's latest line with samples; zeros if Blender names none.
  [[nodiscard]] int sample() const noexcept { return sample_; }
  [[nodiscard]] int samples() const noexcept { return samples_; }

private:
  struct blender {
    time_point frame_began; ///< the end of its last frame, or its start before the first
    bool is_late = false;   ///< others rendered before it: its loading is not the job's
    bool is_loaded = false; ///< it has begun a frame
    bool is_first_frame = true;
    std::vector<frame_course> frames = {}; ///< unpublished frames: all but the last are rendered

    [[nodiscard]] time_point current_began() const;
  };
  [[nodiscard]] double sum_of_work() const noexcept;
  [[nodiscard]] double heavier_to_come(std::size_t left) const noexcept;

  time_point began_;
  frame_timing timing_;
  std::optional<forecast> forecast_;
  std::size_t done_ = 0;
  std::map<int, blender> blenders_; ///< by attempt
  double tasks_work_ = 0;           ///< work of tasks that run elsewhere, in frames
  double shown_ = 0;                ///< the highest total of frames_in_work() and published frames
  int sample_ = 0, samples_ = 0;
  bool exits_ = false; ///< the latest Blender exits when its frames are done
};

} // namespace kiln::policy
