// SPDX-License-Identifier: Apache-2.0
//
// The expected duration of the current frame: a lognormal distribution, from the earlier frames, Blender's
// statements on this one, and its age. Pure.
#pragma once

#include "policy/frame_timing.hpp"

namespace kiln::policy {

/// Remaining seconds: a lognormal distribution, given by its mean and standard deviation.
struct estimate {
  double likely = 0;
  double spread = 0;

  /// The value `z` standard deviations from the middle: at(-1.28) is undercut once in ten times.
  [[nodiscard]] double at(double z) const noexcept;
  [[nodiscard]] double low() const noexcept { return at(-1.28); }
  [[nodiscard]] double high() const noexcept { return at(1.28); }
};

/// Blender's latest statement on the current frame. It refers to the time of the statement: for most of a
/// frame Cycles prints nothing more.
struct frame_statement {
  double age = 0;      ///< of the frame at that moment, seconds
  double rest = 0;     ///< remaining seconds of the frame at that moment
  double fraction = 0; ///< completed part of the frame, 0 to 1
  statement_kind kind = statement_kind::plain;
};

/// A frame's duration, given by the mean and the standard deviation of its logarithm.
struct frame_length {
  double mu = 0, sigma = 0;

  /// `cv`: the standard deviation, relative to the mean.
  [[nodiscard]] static frame_length of(double mean, double cv) noexcept;
  /// From Blender's latest statement. `loading`: seconds of the frame's age that do not count.
  [[nodiscard]] static frame_length by(const frame_statement& said, double loading,
                                       const frame_timing& timing) noexcept;

  [[nodiscard]] double mean() const noexcept;
};

/// Combines the lengths from earlier frames and from Blender's statement, weighted by variance. A frame older
/// than usual has refuted the former.
[[nodiscard]] frame_length combine(const frame_length& usual, const frame_length& said, double age) noexcept;

/// The remaining time of an unfinished frame of `age` seconds: the rest of the distribution beyond its age. A
/// late frame stays late: beyond the age that one in fifteen reaches, the longer it lasts, the longer it
/// will.
[[nodiscard]] estimate rest_of_frame(const frame_length& length, double age) noexcept;

} // namespace kiln::policy
