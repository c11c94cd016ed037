// SPDX-License-Identifier: Apache-2.0
//
// A job as Blender's arguments, and the names of the files that Blender then writes: pure.
#pragma once

#include "base/error.hpp"
#include "domain/job.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::blender {

/// argv without argv[0]. Blender carries its arguments out in their order, so `-a` comes last. The frames go
/// to WORKSPACE/blender-render_####. invalid_input when `workspace` holds a '#', which Blender would take for
/// a digit of the frame number.
[[nodiscard]] result<std::vector<std::string>> format_arguments(const domain::job_spec& job,
                                                                const std::filesystem::path& workspace);

/// "blender-render_0012.png" → 12. Nothing for any name that Blender does not give to a frame of ours: at
/// least four digits, no more zeros in front than it takes for four, an extension of an image format (png,
/// jpg, exr).
[[nodiscard]] std::optional<int> parse_frame_file_name(std::string_view name);

} // namespace kiln::blender
