// SPDX-License-Identifier: Apache-2.0
#include "app/blender_inquiry.hpp"

#include "blender/scene_report.hpp"
#include "blender/setup_script.hpp"

#include <sstream>
#include <utility>

namespace kiln::app {
namespace {

constexpr std::chrono::seconds patience{30};
/// The report that Blender has printed about itself, or an empty text.
std::string find_report(const std::string& printed) {
  std::istringstream lines{printed};
  std::string found;
  for (std::string line; std::getline(lines, line);)
    if (auto report = blender::parse_scene_report(line))
      found = std::move(report->json);
  return found;
}

} // namespace

blender_inquiry::blender_inquiry(bounded_runs& runs, std::filesystem::path state,
                                 std::vector<std::string> environment)
    : runs_(runs), state_(std::move(state)), environment_(std::move(environment)) {}

aio::task<result<std::string>> blender_inquiry::ask(std::filesystem::path executable) {
  process::launch_request request{.executable = std::move(executable),
                                  .arguments = {"-b", "--factory-startup", "-noaudio", "--python-expr",
                                                std::string{blender::devices_script}},
                                  .environment = environment_,
                                  .working_directory = state_ / "devices",
                                  .log_file = state_ / "devices/log"};
  const auto run = co_await runs_.run(std::move(request), patience);
  if (!run)
    co_return run.error();
  auto found = find_report(run->printed);
  if (!run->exit.is_success() || found.empty())
    co_return error{errc::unavailable, "this Blender did not say what it can render on"};
  co_return found;
}

} // namespace kiln::app
