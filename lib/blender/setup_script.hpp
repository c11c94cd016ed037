// SPDX-License-Identifier: Apache-2.0
//
// The Python scripts that Blender runs. kiln_setup.py, before it renders: it applies a job's settings, says
// what the .blend really is, and ends Blender with a typed failure when it cannot be rendered as asked.
// kiln_session.py, in a Blender that stays (session_protocol.hpp); it takes its parts from the other.
#pragma once

#include <string_view>

namespace kiln::blender {

extern const std::string_view setup_script;
extern const std::string_view session_script;

/// kiln_devices.py: Blender says what it can render on and with, and ends.
extern const std::string_view devices_script;

} // namespace kiln::blender
