// SPDX-License-Identifier: Apache-2.0
//
// What a job's rendering has shown so far: the scheduler reports each event as it happens, and the estimate
// reads where the job stands. Pure: the time comes in with each call, and a clock that jumps back is ignored.
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

  /// The first of the job's attempts that overlap begins. Forgets all that was known of earlier ones.
  void begin(time_point now, std::optional<forecast> of_earlier_run = {});
  /// The attempt had to wait, and begins only now; or it began earlier, under another daemon.
  void began_at(time_point when) noexcept;
  /// As begin() takes it, once it has been read.
  void expect(forecast of_earlier_run) { forecast_ = std::move(of_earlier_run); }

  /// What becomes of a Blender when its frames are done.
  enum class afterwards { exits, stays };
  /// Attempt `run` has a Blender from now on, until on_end().
  void on_begin(int run, afterwards what, time_point now);
  /// The Blender of attempt `run` has printed a line, or begins a frame. `counts`: the frame is one that this
  /// run has to render, and is not published. Returns the seconds of loading when this event ends it.
  std::optional<double> on_progress(int run, const domain::frame_progress& said, bool counts, time_point now);
  /// A frame of attempt `run` is published. `closed`: when its file was complete; `seconds`: what it took,
  /// where that was measured elsewhere.
  void on_published(int run, int frame, time_point closed, std::optional<double> seconds);
  /// The Blender of attempt `run` is gone.
  void on_end(int run);
  /// The attempt runs elsewhere, as many tasks: where they stand, and what one of them has said last.
  void on_tasks(const parallel_progress& now);
  void show(const domain::frame_progress& said) noexcept;

  /// Where a job stands whose frames one Blender renders. `frames_left`: those that are neither done nor
  /// given up.
  [[nodiscard]] progress at(time_point now, int frames_left) const;
  /// The same where several Blenders share its frames. `frames_left`: of each attempt, the current one
  /// included; `frames_waiting`: that no attempt has.
  [[nodiscard]] parallel_progress shared_at(time_point now, const std::map<int, std::size_t>& frames_left,
                                            std::size_t frames_waiting) const;
  /// Frames' worth of work that is done of frames that are not published, 0 or more. Together with the
  /// published ones it never falls, unless a Blender ends before its frames are done.
  [[nodiscard]] double frames_in_work() const noexcept;
  [[nodiscard]] const frame_timing& timing() const noexcept { return timing_; }
  /// The attempt's latest line with samples; zeros where Blender names none.
  [[nodiscard]] int sample() const noexcept { return sample_; }
  [[nodiscard]] int samples() const noexcept { return samples_; }

private:
  struct blender {
    time_point frame_began; ///< the end of its last frame; its begin, while it has none
    bool is_late = false;   ///< others have rendered before it: its loading is not that of the job
    bool is_loaded = false; ///< it has begun a frame
    bool is_first_frame = true;
    std::vector<frame_course> frames = {}; ///< that are not published: those before the last one are rendered

    [[nodiscard]] time_point current_began() const;
  };
  [[nodiscard]] double sum_of_work() const noexcept;
  [[nodiscard]] double heavier_to_come(std::size_t left) const noexcept;

  time_point began_;
  frame_timing timing_;
  std::optional<forecast> forecast_;
  std::size_t done_ = 0;
  std::map<int, blender> blenders_; ///< by attempt
  double tasks_work_ = 0;           ///< frames' worth of work of tasks that run elsewhere
  double shown_ =
      0; ///< frames' worth of work that frames_in_work() and the published frames have amounted to
  int sample_ = 0, samples_ = 0;
  bool exits_ = false; ///< the latest Blender, when its frames are done
};

} // namespace kiln::policy
