// SPDX-License-Identifier: Apache-2.0
#include "blender/command_line.hpp"

#include "base/number.hpp"
#include "domain/image_format.hpp"
#include "domain/spec_json.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace kiln::blender {
namespace {

constexpr std::string_view frame_prefix = "blender-render_";

} // namespace

std::vector<domain::frame_set::progression> runs_of(const std::vector<int>& frames) {
  std::vector<domain::frame_set::progression> runs;
  for (std::size_t i = 0; i < frames.size();) {
    std::size_t end = i + 1;
    const int step = end < frames.size() && frames[end] > frames[i] ? frames[end] - frames[i] : 1;
    while (end < frames.size() && frames[end] - frames[end - 1] == step)
      ++end;
    runs.push_back({frames[i], frames[end - 1], step});
    i = end;
  }
  return runs;
}

boost::json::array format_job_frames(const domain::frame_set& frames) {
  constexpr std::size_t most = 100; // part of an argument
  auto listed = frames.progressions(most + 1);
  if (listed.size() > most)
    listed = {{frames.front(), frames.back(), 1}};
  boost::json::array out;
  for (const auto& [first, last, step] : listed)
    out.push_back(boost::json::array{first, last, step});
  return out;
}

result<argument_pieces> format_argument_pieces(const domain::job_spec& job,
                                               const std::filesystem::path& script) {
  if (!job.blend.is_absolute())
    return error{errc::invalid_input, "the path of the .blend is not absolute: " + job.blend.native()};
  argument_pieces made;
  // -y, -Y: whether scripts and Python drivers run, for the file that follows on the command line. -x 1:
  // Blender adds the extension of the format.
  made.before = {"-b",
                 "-noaudio",
                 job.autorun ? "-y" : "-Y",
                 job.blend.native(),
                 "--python-exit-code",
                 std::to_string(script_failed),
                 "-P",
                 script.native()};
  if (!job.settings.scene.empty()) // later settings apply to this scene
    made.before.insert(made.before.end(), {"-S", job.settings.scene});
  made.settings = {"-x", "1", "-t", std::to_string(job.threads)};
  auto asked = domain::format_settings(job.settings);
  asked["frames"] = format_job_frames(job.frames);
  if (job.strict)
    asked["strict"] = true;
  made.after = {"--", boost::json::serialize(asked)};
  return made;
}

result<std::vector<std::string>> format_arguments(const domain::job_spec& job,
                                                  const std::vector<domain::frame_set::progression>& frames,
                                                  const std::filesystem::path& workspace,
                                                  const std::filesystem::path& script) {
  const auto output = (workspace / frame_prefix).native() + "####";
  if (const auto at = workspace.native().find_first_of(unusable_in_output); at != std::string::npos)
    return error{errc::invalid_input, "the output's path holds a '" + std::string{workspace.native()[at]} +
                                          "', which Blender does not take as it is: " + workspace.native()};
  auto pieces = format_argument_pieces(job, script);
  if (!pieces)
    return pieces.error();
  auto arguments = std::move(pieces->before);
  const auto add = [&arguments](std::initializer_list<std::string> more) {
    arguments.insert(arguments.end(), more);
  };
  add({"-o", output});
  std::ranges::move(pieces->settings, std::back_inserter(arguments));
  for (const auto& [first, last, step] : frames)
    add({"-j", std::to_string(step), "-s", std::to_string(first), "-e", std::to_string(last), "-a"});
  std::ranges::move(pieces->after, std::back_inserter(arguments));
  return arguments;
}

std::string frame_file_name(int frame, std::string_view extension) {
  return fmt::format("{}{:04}{}", frame_prefix, frame, extension);
}

std::optional<int> parse_frame_digits(std::string_view digits) {
  if (digits.size() < 4 || digits.size() > 7 || (digits.size() > 4 && digits.front() == '0'))
    return std::nullopt;
  return parse_number<int>(digits);
}

std::optional<int> parse_frame_file_name(std::string_view name) {
  if (!name.starts_with(frame_prefix))
    return std::nullopt;
  name.remove_prefix(frame_prefix.size());
  const auto digits = name.substr(0, name.find_first_not_of("0123456789"));
  const auto extension = name.substr(digits.size());
  if (!domain::find_format_by_extension(extension))
    return std::nullopt;
  return parse_frame_digits(digits);
}

} // namespace kiln::blender
