// SPDX-License-Identifier: Apache-2.0
//
// Reads the progress of a frame from Blender's log: samples, tiles, view layers, eyes. Pure; accepts any
// bytes.
#pragma once

#include "domain/frame_progress.hpp"

#include <optional>
#include <string_view>

namespace kiln::blender {

/// The frame that a line names as the one being rendered.
[[nodiscard]] std::optional<int> frame_in(std::string_view line);

class progress_reader {
public:
  /// One line, without its end. Nullopt if the line neither names a frame nor reports progress of one.
  [[nodiscard]] std::optional<domain::frame_progress> feed(std::string_view line);

  /// The passes (view layers times eyes) of each frame according to the .blend; at least 1. Rendered frames
  /// override it.
  void expect_passes(int passes) noexcept;
  /// Whether frames may end before their last sample, according to the .blend.
  void expect_early_end(bool may) noexcept { may_end_early_ = may; }

private:
  void begin_frame(int frame) noexcept;
  void advance(double pass_fraction, bool may_go_back) noexcept;

  std::optional<int> frame_;  ///< the last frame named: 5.1 names it on a separate line
  int passes_ = 1;            ///< known passes of a frame
  int pass_ = 0;              ///< the current pass, from 0
  double of_pass_ = 0;        ///< completed fraction of the pass
  double of_frame_ = 0;       ///< completed fraction of the frame
  bool pass_is_over_ = false; ///< Cycles has printed "Finished"
  bool may_end_early_ = false;
};

} // namespace kiln::blender
