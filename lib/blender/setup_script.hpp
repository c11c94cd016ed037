// SPDX-License-Identifier: Apache-2.0
//
// The Python scripts that Blender runs. kiln_setup.py, before it renders: it applies a job's settings, says
// what the .blend really is, and ends Blender with a typed failure when it cannot be rendered as asked.
// kiln_session.py, in a Blender that stays (session_protocol.hpp). Both import the others, which lie beside
// them.
#pragma once

#include <span>
#include <string_view>

namespace kiln::blender {

/// The first characters of a line that these scripts print for kilnd. A JSON object follows them.
inline constexpr std::string_view report_mark = "kiln: ";

struct script {
  std::string_view name; ///< of its file
  std::string_view text;
};

/// kiln_setup.py, which comes first, and what it imports.
extern const std::span<const script> setup_scripts;
extern const std::string_view session_script;

/// kiln_devices.py: Blender says what it can render on and with, and ends.
extern const std::string_view devices_script;

/// kiln_install.py: Blender prints where its files are (install_report.hpp), and ends.
extern const std::string_view install_script;

} // namespace kiln::blender
