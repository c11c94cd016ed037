// SPDX-License-Identifier: Apache-2.0
//
// The Python script that Blender runs before it renders (kiln_setup.py): it applies a job's settings, says
// what the .blend really is, and ends Blender with a typed failure when it cannot be rendered as asked.
#pragma once

#include <string_view>

namespace kiln::blender {

extern const std::string_view setup_script;

/// kiln_devices.py: Blender says what it can render on and with, and ends.
extern const std::string_view devices_script;

} // namespace kiln::blender
