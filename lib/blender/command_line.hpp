// SPDX-License-Identifier: Apache-2.0
//
// A job as Blender's arguments, and the names of the files that Blender then writes: pure.
#pragma once

#include "base/error.hpp"
#include "domain/job.hpp"

#include <boost/json/array.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::blender {

/// Characters of a path that Blender takes for something else in `-o`: digits of the frame's number, and
/// (from 5.0) variables.
inline constexpr std::string_view unusable_in_output = "#{}";

inline constexpr int script_failed = 97; ///< Blender's exit status when a script raises

/// Frames in the order in which they are given, as few runs that go up evenly.
[[nodiscard]] std::vector<domain::frame_set::progression> runs_of(const std::vector<int>& frames);

/// argv without argv[0], to render `frames` of the job. Blender carries its arguments out in their order, so
/// each run of frames is followed by its `-a`. `script`: ours (setup_script.hpp), which applies the
/// settings before anything renders. The frames go to WORKSPACE/blender-render_####. invalid_input when
/// `workspace` holds one of `unusable_in_output`.
[[nodiscard]] result<std::vector<std::string>>
format_arguments(const domain::job_spec& job, const std::vector<domain::frame_set::progression>& frames,
                 const std::filesystem::path& workspace, const std::filesystem::path& script);

/// The same in pieces, for one who learns frames and workspace later. `-o` and the workspace's pattern stand
/// behind `before`, or behind `settings`; the arguments of the frames behind that.
struct argument_pieces {
  std::vector<std::string> before, settings, after;
};
[[nodiscard]] result<argument_pieces> format_argument_pieces(const domain::job_spec& job,
                                                             const std::filesystem::path& script);

/// A job's frames for our scripts: [[first,last,step],…], in the order of their first frames; one range over
/// all of them where there are too many.
[[nodiscard]] boost::json::array format_job_frames(const domain::frame_set& frames);

/// 12, ".png" → "blender-render_0012.png".
[[nodiscard]] std::string frame_file_name(int frame, std::string_view extension);

/// "blender-render_0012.png" → 12. Nothing for any name that Blender does not give to a frame of ours: at
/// least four digits, no more zeros in front than it takes for four, an extension of domain::image_formats.
[[nodiscard]] std::optional<int> parse_frame_file_name(std::string_view name);

} // namespace kiln::blender
