// SPDX-License-Identifier: Apache-2.0
//
// Reads Blender's output, 2.8 to 5.x, for progress inside a frame and for reasons of failure. It decides
// nothing: what Blender prints is no proof of a frame. Pure; any bytes may come.
#pragma once

#include "blender/scene_report.hpp"
#include "domain/failure.hpp"

#include <optional>
#include <string_view>
#include <variant>

namespace kiln::blender {

/// A frame renders. `fraction` of its samples and tiles is done, 0 to 1; it can go back (layers, eyes).
struct frame_progress {
  int frame = 0;
  double fraction = 0;
  int sample = 0;  ///< of `samples`, of the layer or tile that renders now
  int samples = 0; ///< 0 where Blender names none
};

/// A reason, should the attempt fail.
struct complaint {
  domain::failure why;
};

using log_event = std::variant<frame_progress, complaint, scene_report>;

class log_reader {
public:
  /// One line, without its end.
  [[nodiscard]] std::optional<log_event> feed(std::string_view line);

private:
  std::optional<int> frame_; ///< the last one named: 5.1 names it on a line of its own
};

} // namespace kiln::blender
