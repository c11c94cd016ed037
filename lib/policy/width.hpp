// SPDX-License-Identifier: Apache-2.0
//
// How many Blenders shall render a job at once, found by measuring while it renders: pure. It begins with
// one, adds some while frames come clearly faster for it, and steps back when they do not.
#pragma once

#include <cstddef>
#include <optional>

namespace kiln::policy {

class width_search {
public:
  /// What one more Blender costs before it gives anything, in seconds: to start it and to load the .blend.
  void loading_takes(double seconds) noexcept { loading_ = seconds; }

  /// A frame was published at `now` (seconds, of any clock), while `active` Blenders rendered, with `left`
  /// frames to come. At most `most` may render at once.
  void frame_done(double now, std::size_t active, std::size_t left, std::size_t most) noexcept;

  /// There is no memory for more than render now.
  void no_room(std::size_t active) noexcept;

  [[nodiscard]] std::size_t wanted() const noexcept { return wanted_; }

private:
  void judge(double rate, std::size_t left, std::size_t most) noexcept;
  void measure_from(double now) noexcept;

  std::size_t wanted_ = 1;
  std::size_t best_ = 1;           ///< the width that was the fastest so far
  double best_rate_ = 0;           ///< frames a second, with it
  std::optional<std::size_t> cap_; ///< what is not worth, or has no room, to try
  double loading_ = 1;
  std::optional<double> from_; ///< when this measurement began
  int skip_ = 0;               ///< frames that were under way when the width changed
  int frames_ = 0;             ///< of this measurement
};

/// Frames that are given to a Blender at a time: one, unless they are so short that asking for each would be
/// felt; never so many that others wait at the end.
[[nodiscard]] std::size_t piece_size(double seconds_per_frame, std::size_t left, std::size_t width) noexcept;

/// Threads of each of `width` Blenders on `cores`.
[[nodiscard]] int threads_of(std::size_t width, std::size_t cores) noexcept;

} // namespace kiln::policy
