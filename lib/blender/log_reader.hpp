// SPDX-License-Identifier: Apache-2.0
//
// Reads progress inside a frame and reasons of failure from the output of Blender 2.8 to 5.x. Makes no
// decisions: Blender's output does not prove that a frame exists. Pure; accepts any bytes.
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

/// A reason in case the attempt fails.
struct complaint {
  domain::failure why;
};

/// An add-on could not be enabled when Blender started. Blender continues without it.
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
  bool of_addon_ = false; ///< the traceback comes from enabling add-ons
  std::string addon_;     ///< the name of the last one in the traceback
  progress_reader progress_;
};

} // namespace kiln::blender
