// SPDX-License-Identifier: Apache-2.0
//
// How long a job will still take, and how sure that is: pure. What was measured goes in; the answer is a
// likely time and a spread, from which low and high follow. The numbers are reckoned for any input: a
// negative, infinite or undefined time counts as zero or as very long, and never spoils the result.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

namespace kiln::policy {

/// Remembers, in bounded memory, what the frames of a job took so far.
class frame_timing {
public:
  static constexpr std::size_t window = 24; ///< frames that are remembered one by one

  /// The scene is loaded: the first frame spent this many of its seconds on starting Blender and loading.
  /// May be left out; counts when it comes before the first frame_done().
  void loaded(double seconds) noexcept;

  /// A frame is finished; its seconds since the frame before it (the first one: since the start).
  void frame_done(double seconds) noexcept;

  [[nodiscard]] int frames() const noexcept { return frames_; }
  [[nodiscard]] double first_frame() const noexcept { return first_; }
  [[nodiscard]] std::optional<double> loading() const noexcept { return loading_; }

  /// Frames whose rendering time is known: without the first one, unless its loading time was told.
  [[nodiscard]] int measured() const noexcept { return measured_; }
  [[nodiscard]] double mean() const noexcept;   ///< of all that are measured
  [[nodiscard]] double recent() const noexcept; ///< mean of which the latest two frames are half
  [[nodiscard]] std::size_t remembered() const noexcept;
  /// The i-th of the remembered frames, the oldest first.
  [[nodiscard]] double remembered(std::size_t i) const noexcept;

private:
  int frames_ = 0;
  int measured_ = 0;
  double first_ = 0;
  std::optional<double> loading_;
  double sum_ = 0;
  double recent_sum_ = 0, recent_weight_ = 0;
  std::array<double, window> last_{}; ///< a ring; frame i of the measured ones is at i % window
};

/// What an earlier run of the same .blend with the same settings and Blender took for the frames of this job:
/// seconds for those that are done now (with loading), for the current one, for those after it.
struct history {
  double done = 0;
  double current = 0;
  double after = 0;
};

/// Where a running job stands.
struct progress {
  int frames_left = 0;                       ///< the current one included
  double elapsed = 0;                        ///< seconds since the start
  double frame_age = 0;                      ///< seconds since the current frame began
  std::optional<double> frame_fraction = {}; ///< done of the current frame, 0 to 1
  std::optional<history> past = {};
};

/// Seconds that are left: a lognormal distribution, by its mean and standard deviation.
struct estimate {
  double likely = 0;
  double spread = 0;

  /// The value `z` standard deviations from the middle: at(-1.28) is undercut once in ten times.
  [[nodiscard]] double at(double z) const noexcept;
  [[nodiscard]] double low() const noexcept { return at(-1.28); }
  [[nodiscard]] double high() const noexcept { return at(1.28); }
};

/// Nothing while neither a finished frame, a part of one, nor an earlier run says anything.
[[nodiscard]] std::optional<estimate> estimate_time_left(const frame_timing& timing,
                                                         const progress& now) noexcept;

} // namespace kiln::policy
