// SPDX-License-Identifier: Apache-2.0
//
// The Python scripts that Blender runs. kiln_setup.py runs before rendering: it applies a job's settings,
// reports facts about the .blend, and ends Blender with a typed failure if it cannot be rendered as
// requested. kiln_session.py runs in a session's Blender (session_protocol.hpp). Both import the other
// scripts from the same directory.
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

/// kiln_colours.py: Blender writes down which colours it shows for linear ones, and exits. Also among the
/// setup_scripts.
extern const std::string_view colours_script;

/// kiln_devices.py: Blender reports its render devices and engines, and exits.
extern const std::string_view devices_script;

/// kiln_install.py: Blender prints where its files are (install_report.hpp), and exits.
extern const std::string_view install_script;

} // namespace kiln::blender
