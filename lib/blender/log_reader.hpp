// SPDX-License-Identifier: Apache-2.0
//
// Reads Blender's output, 2.8 to 5.x, for progress inside a frame and for reasons of failure. It decides
// nothing: what Blender prints is no proof of a frame. Pure; any bytes may come.
#pragma once

#include "blender/progress_reader.hpp"
#include "blender/scene_report.hpp"
#include "domain/failure.hpp"
#include "domain/warning.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace kiln::blender {

using frame_progress = domain::frame_progress;

/// A reason, should the attempt fail.
struct complaint {
  domain::failure why;
};

/// An add-on could not be enabled as Blender started. Blender goes on without it.
struct addon_failure {
  std::string what; ///< "the add-on NAME: ERROR"
};

using log_event = std::variant<frame_progress, complaint, scene_report, addon_failure, domain::warning>;

class log_reader {
public:
  /// One line, without its end.
  [[nodiscard]] std::optional<log_event> feed(std::string_view line);

private:
  [[nodiscard]] std::optional<addon_failure> read_traceback(std::string_view line);

  bool in_traceback_ = false;
  bool of_addon_ = false; ///< the traceback comes from where Blender enables add-ons
  std::string addon_;     ///< the name of the last one in the traceback
  progress_reader progress_;
};

} // namespace kiln::blender
