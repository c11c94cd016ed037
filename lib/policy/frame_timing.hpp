// SPDX-License-Identifier: Apache-2.0
//
// Times of a job's frames so far: pure, in bounded memory.
#pragma once

#include "policy/statement_errors.hpp"

#include <array>
#include <cstddef>
#include <optional>

namespace kiln::policy {

class frame_timing {
public:
  static constexpr std::size_t window = 24; ///< frames that are remembered one by one

  /// The scene is loaded: the first frame spent this many of its seconds on starting Blender and loading.
  /// Optional; counts only before the first frame_done().
  void loaded(double seconds) noexcept;

  /// Errors of Blender's statements on earlier frames.
  [[nodiscard]] statement_errors& statements() noexcept { return statements_; }
  [[nodiscard]] const statement_errors& statements() const noexcept { return statements_; }

  /// A frame took `rendering` seconds up to its last sample, and `seconds` from there to its file: composing,
  /// saving.
  void ending_was(double seconds, double rendering) noexcept;

  /// A frame is finished; its seconds since the previous frame (the first one: since the start).
  void frame_done(double seconds) noexcept;
  /// The same for a frame without loading.
  void frame_rendered(double seconds) noexcept;

  [[nodiscard]] int frames() const noexcept { return frames_; }
  [[nodiscard]] double first_frame() const noexcept { return first_; }
  [[nodiscard]] std::optional<double> loading() const noexcept { return loading_; }

  /// Frames with known rendering time: without the first one, unless its loading time is known.
  [[nodiscard]] int measured() const noexcept { return measured_; }
  [[nodiscard]] double mean() const noexcept;   ///< of all measured frames
  [[nodiscard]] double recent() const noexcept; ///< mean, half of it from the latest two frames
  [[nodiscard]] std::size_t remembered() const noexcept;
  /// Seconds from the last sample of a frame to its file, if it took `rendering` up to then.
  [[nodiscard]] double ending(double rendering) const noexcept;
  /// The i-th of the remembered frames, the oldest first.
  [[nodiscard]] double remembered(std::size_t i) const noexcept;

private:
  void count(double first) noexcept;
  int frames_ = 0;
  int measured_ = 0;
  double first_ = 0;
  std::optional<double> loading_;
  double sum_ = 0;
  double recent_sum_ = 0, recent_weight_ = 0;
  double endings_ = 0, ending_sum_ = 0, rendering_sum_ = 0; ///< the latest frames weigh more
  statement_errors statements_;
  std::array<double, window> last_{}; ///< a ring; frame i of the measured ones is at i % window
};

} // namespace kiln::policy
