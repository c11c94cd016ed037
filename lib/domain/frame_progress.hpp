// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

namespace kiln::domain {

/// What a line of Blender's log says of the frame that renders. Any program can print such lines, so nothing
/// here proves that something was rendered.
struct frame_progress {
  int frame = 0;
  /// Part of the frame's samples and tiles that is done, in all of its passes: 0 to 1, never lower than in an
  /// earlier line of the frame. Empty where the line does not say.
  std::optional<double> fraction = {};
  int sample = 0;                           ///< of `samples`, in the pass or tile that renders
  int samples = 0;                          ///< 0 where Blender names none
  int pass = 0;                             ///< number of the view layer or eye that renders, from 0
  int passes = 1;                           ///< how many the frame has, as far as is known
  std::optional<double> pass_fraction = {}; ///< as `fraction`, of this pass alone
  std::optional<double> remaining = {};     ///< seconds until the pass is done, as Blender estimates
  bool by_tiles = false;                    ///< one tile of several after the other, from the middle outwards
  bool may_end_early = false;               ///< the scene samples adaptively: `remaining` is an upper bound
  std::optional<double> spent = {};         ///< seconds since Blender began the frame, where it says
};

} // namespace kiln::domain
