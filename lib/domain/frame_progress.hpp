// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

namespace kiln::domain {

/// The progress of the current frame, as reported by a line of Blender's log. Any program can print such
/// lines, so nothing here proves that anything was rendered.
struct frame_progress {
  int frame = 0;
  /// Completed part of the frame's samples and tiles over all its passes: 0 to 1, never lower than in an
  /// earlier line of the frame. Empty if the line does not say.
  std::optional<double> fraction = {};
  int sample = 0;                           ///< of `samples`, in the current pass or tile
  int samples = 0;                          ///< 0 if Blender reports none
  int pass = 0;                             ///< index of the current view layer or eye, from 0
  int passes = 1;                           ///< known number of passes of the frame
  std::optional<double> pass_fraction = {}; ///< like `fraction`, for this pass only
  std::optional<double> remaining = {};     ///< seconds until the pass is done, as Blender estimates
  bool by_tiles = false;      ///< rendered in several tiles, one after the other, from the middle outwards
  bool may_end_early = false; ///< the scene samples adaptively: `remaining` is an upper bound
  std::optional<double> spent = {}; ///< seconds since Blender began the frame, if reported
};

} // namespace kiln::domain
