// SPDX-License-Identifier: Apache-2.0
//
// The lines that Blender has printed about the current frame: pure. Each call passes its time.
#pragma once

#include "domain/frame_progress.hpp"
#include "policy/frame_length.hpp"
#include "policy/frame_timing.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace kiln::policy {

class frame_course {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Blender's first line on the frame arrived at `now`. Buffered output says how old the frame is.
  frame_course(const domain::frame_progress& said, time_point now);

  /// The same line, and each later one.
  void note(const domain::frame_progress& said, time_point now);

  [[nodiscard]] int frame() const noexcept { return frame_; }
  [[nodiscard]] time_point began() const noexcept { return began_; }
  [[nodiscard]] double fraction() const noexcept { return fraction_; } ///< done, 0 to 1
  /// Blender's last statement, for a frame that counts from `from` and is `age` seconds old.
  [[nodiscard]] std::optional<frame_statement> stated(time_point from, double age) const;
  /// The frame's file was complete at `closed`: records the errors of its statements.
  void teach(frame_timing& timing, time_point closed) const;

private:
  struct statement {
    time_point when;
    double rest = 0; ///< remaining seconds of the frame at that time
    double fraction = 0;
    statement_kind kind = statement_kind::plain;
  };
  /// The current view layer or eye.
  struct pass_in_work {
    int number = 0;
    time_point began; ///< the last line before samples
    time_point since; ///< the first line with samples, and the part done then
    double done = 0;
  };
  [[nodiscard]] static std::optional<double> rest_of_pass(const domain::frame_progress& said,
                                                          const pass_in_work& of, time_point now);

  int frame_;
  time_point began_, last_line_;
  double fraction_ = 0;
  std::optional<pass_in_work> pass_;
  std::optional<statement> stated_;    ///< the last one
  std::vector<statement> earlier_;     ///< the first one in each part of the frame
  std::optional<time_point> rendered_; ///< its last sample; composing and saving follow
};

} // namespace kiln::policy
