// SPDX-License-Identifier: Apache-2.0
//
// Blender's arguments for a job, and the names of the files it writes: pure.
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

/// Characters with a special meaning in the path of `-o`: digits of the frame number, and (from 5.0)
/// variables.
inline constexpr std::string_view unusable_in_output = "#{}";

inline constexpr int script_failed = 97; ///< Blender's exit status when a script raises

/// The frames in the given order, as few evenly ascending runs.
[[nodiscard]] std::vector<domain::frame_set::progression> runs_of(const std::vector<int>& frames);

/// argv without argv[0], to render `frames` of the job. Blender executes its arguments in order, so each run
/// of frames is followed by its `-a`. `script`: our setup script (setup_script.hpp), which applies the
/// settings before anything renders. The frames go to WORKSPACE/blender-render_####. invalid_input if
/// `workspace` contains one of `unusable_in_output`.
[[nodiscard]] result<std::vector<std::string>>
format_arguments(const domain::job_spec& job, const std::vector<domain::frame_set::progression>& frames,
                 const std::filesystem::path& workspace, const std::filesystem::path& script);

/// The same in pieces, for callers that know frames and workspace later. `-o` and the workspace's pattern
/// follow `before`, or `settings`; then come the arguments of the frames.
struct argument_pieces {
  std::vector<std::string> before, settings, after;
};
[[nodiscard]] result<argument_pieces> format_argument_pieces(const domain::job_spec& job,
                                                             const std::filesystem::path& script);

/// A job's frames for our scripts: [[first,last,step],…], sorted by first frame; a single range over all if
/// there are too many.
[[nodiscard]] boost::json::array format_job_frames(const domain::frame_set& frames);

/// 12, ".png" → "blender-render_0012.png".
[[nodiscard]] std::string frame_file_name(int frame, std::string_view extension);

/// The number of a frame as Blender writes it in names: at least four digits, leading zeros only up to four.
[[nodiscard]] std::optional<int> parse_frame_digits(std::string_view digits);

/// "blender-render_0012.png" → 12. Nullopt for any name that Blender would not give to one of our frames: the
/// digits of a frame, and an extension of domain::image_formats.
[[nodiscard]] std::optional<int> parse_frame_file_name(std::string_view name);

} // namespace kiln::blender
