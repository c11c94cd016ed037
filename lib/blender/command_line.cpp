// SPDX-License-Identifier: Apache-2.0
#include "blender/command_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace kiln::blender {
namespace {

constexpr std::string_view frame_prefix = "blender-render_";

} // namespace

result<std::vector<std::string>> format_arguments(const domain::job_spec& job,
                                                  const std::filesystem::path& workspace) {
  const auto output = (workspace / frame_prefix).native() + "####";
  if (const auto at = workspace.native().find_first_of(unusable_in_output); at != std::string::npos)
    return error{errc::invalid_input, "the output's path holds a '" + std::string{workspace.native()[at]} +
                                          "', which Blender does not take as it is: " + workspace.native()};
  if (!job.blend.is_absolute())
    return error{errc::invalid_input, "the path of the .blend is not absolute: " + job.blend.native()};
  // -Y: scripts in the file do not run by themselves; -x 1: Blender adds the extension of the format.
  return std::vector<std::string>{"-b", "-noaudio",
                                  "-Y", job.blend.native(),
                                  "-o", output,
                                  "-E", job.engine,
                                  "-x", "1",
                                  "-s", std::to_string(job.frames.front()),
                                  "-e", std::to_string(job.frames.back()),
                                  "-t", std::to_string(job.threads),
                                  "-a"};
}

std::optional<int> parse_frame_file_name(std::string_view name) {
  if (!name.starts_with(frame_prefix))
    return std::nullopt;
  name.remove_prefix(frame_prefix.size());
  const auto digits = name.substr(0, name.find_first_not_of("0123456789"));
  const auto extension = name.substr(digits.size());
  constexpr std::array<std::string_view, 3> extensions{".png", ".jpg", ".exr"};
  if (std::ranges::find(extensions, extension) == extensions.end())
    return std::nullopt;
  if (digits.size() < 4 || digits.size() > 7 || (digits.size() > 4 && digits.front() == '0'))
    return std::nullopt;
  int frame = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), frame);
  return frame;
}

} // namespace kiln::blender
