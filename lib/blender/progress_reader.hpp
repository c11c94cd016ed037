// SPDX-License-Identifier: Apache-2.0
//
// Reads from Blender's log how far a frame is: samples, tiles, view layers, eyes. Pure; any bytes may come.
#pragma once

#include "domain/frame_progress.hpp"

#include <optional>
#include <string_view>

namespace kiln::blender {

class progress_reader {
public:
  /// One line, without its end. Empty when the line neither names a frame nor says how much of one is done.
  [[nodiscard]] std::optional<domain::frame_progress> feed(std::string_view line);

  /// The passes (view layers times eyes) that each frame has, as the .blend says; at least 1. The frames that
  /// were rendered override it.
  void expect_passes(int passes) noexcept;
  /// Whether frames may end before their last sample, as the .blend says.
  void expect_early_end(bool may) noexcept { may_end_early_ = may; }

private:
  void begin_frame(int frame) noexcept;
  void advance(double pass_fraction, bool may_go_back) noexcept;

  std::optional<int> frame_;  ///< the last one that was named: 5.1 names it on a line of its own
  int passes_ = 1;            ///< of a frame, as far as is known
  int pass_ = 0;              ///< the one that renders, from 0
  double of_pass_ = 0;        ///< fraction of it that is done
  double of_frame_ = 0;       ///< fraction of the frame that is done
  bool pass_is_over_ = false; ///< Cycles has printed "Finished"
  bool may_end_early_ = false;
};

} // namespace kiln::blender
