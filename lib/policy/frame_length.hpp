// SPDX-License-Identifier: Apache-2.0
//
// How long a frame that renders will take: a lognormal distribution, from the frames before, from what
// Blender says of this one, and from its age. Pure.
#pragma once

#include "policy/frame_timing.hpp"

namespace kiln::policy {

/// Seconds that are left: a lognormal distribution, by its mean and standard deviation.
struct estimate {
  double likely = 0;
  double spread = 0;

  /// The value `z` standard deviations from the middle: at(-1.28) is undercut once in ten times.
  [[nodiscard]] double at(double z) const noexcept;
  [[nodiscard]] double low() const noexcept { return at(-1.28); }
  [[nodiscard]] double high() const noexcept { return at(1.28); }
};

/// What Blender has last said of the frame that renders. It is true of the moment at which it was said: for
/// most of a frame Cycles says nothing more.
struct frame_statement {
  double age = 0;      ///< of the frame at that moment, seconds
  double rest = 0;     ///< seconds that the frame would still take, from that moment on
  double fraction = 0; ///< of the frame that was done, 0 to 1
  statement_kind kind = statement_kind::plain;
};

/// By the mean and the standard deviation of its logarithm.
struct frame_length {
  double mu = 0, sigma = 0;

  /// `cv`: the standard deviation, relative to the mean.
  [[nodiscard]] static frame_length of(double mean, double cv) noexcept;
  /// As Blender's last word suggests. `loading`: seconds of the frame's age that do not count.
  [[nodiscard]] static frame_length by(const frame_statement& said, double loading,
                                       const frame_timing& timing) noexcept;

  [[nodiscard]] double mean() const noexcept;
};

/// The length by the frames before, and by what Blender says of this frame; each weighs by its variance. A
/// frame that is older than usual has refuted the former.
[[nodiscard]] frame_length combine(const frame_length& usual, const frame_length& said, double age) noexcept;

/// What is left of a frame that is `age` seconds old and not done: the rest of the distribution beyond its
/// age. One that is late stays late: beyond an age that one in fifteen has, the longer it lasts, the longer
/// it will.
[[nodiscard]] estimate rest_of_frame(const frame_length& length, double age) noexcept;

} // namespace kiln::policy
