// SPDX-License-Identifier: Apache-2.0
//
// Finds the number of Blenders that should render a job at once, by measuring while it renders: pure. Starts
// with one, adds more while that clearly speeds up the job, and steps back otherwise.
#pragma once

#include <cstddef>
#include <optional>

namespace kiln::policy {

class width_search {
public:
  /// The cost of one more Blender in seconds: starting it and loading the .blend.
  void loading_takes(double seconds) noexcept { loading_ = seconds; }

  /// A frame was published at `now` (seconds, of any clock), while `active` Blenders rendered, with `left`
  /// frames remaining. At most `most` may render at once.
  void frame_done(double now, std::size_t active, std::size_t left, std::size_t most) noexcept;

  /// There is no memory for more than the active Blenders.
  void no_room(std::size_t active) noexcept;

  [[nodiscard]] std::size_t wanted() const noexcept { return wanted_; }

private:
  void judge(double rate, std::size_t left, std::size_t most) noexcept;
  void measure_from(double now) noexcept;

  std::size_t wanted_ = 1;
  std::size_t best_ = 1;           ///< the fastest width so far
  double best_rate_ = 0;           ///< frames a second, with it
  std::optional<std::size_t> cap_; ///< no wider: not worthwhile, or no memory
  double loading_ = 1;
  std::optional<double> from_; ///< when this measurement began
  int skip_ = 0;               ///< frames in progress when the width changed
  int frames_ = 0;             ///< of this measurement
};

/// Frames assigned to a Blender at a time: one, unless they are so short that a request for each is
/// noticeable; never so many that others wait at the end.
[[nodiscard]] std::size_t piece_size(double seconds_per_frame, std::size_t left, std::size_t width) noexcept;

/// Threads of each of `width` Blenders on `cores`.
[[nodiscard]] int threads_of(std::size_t width, std::size_t cores) noexcept;

} // namespace kiln::policy
