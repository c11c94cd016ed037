// SPDX-License-Identifier: Apache-2.0
#include "app/blender_inquiry.hpp"

#include "aio/task_group.hpp"
#include "blender/scene_report.hpp"
#include "blender/setup_script.hpp"
#include "process/child.hpp"

#include <boost/asio/redirect_error.hpp>

#include <fstream>
#include <utility>

namespace kiln::app {
namespace {

constexpr std::chrono::seconds patience{30};
constexpr std::chrono::seconds grace{1};

aio::task<> stop_when_late(process::child& program, aio::timer& late) {
  boost::system::error_code ec;
  co_await late.async_wait(aio::asio::redirect_error(aio::use_task, ec));
  if (!ec)
    program.stop();
}

/// What Blender has printed of itself, if it has; the file goes.
std::string take_report(const std::filesystem::path& log) {
  std::string found;
  std::ifstream printed{log};
  for (std::string line; std::getline(printed, line);)
    if (auto report = blender::parse_scene_report(line))
      found = std::move(report->json);
  std::error_code ignored;
  std::filesystem::remove(log, ignored);
  return found;
}

} // namespace

blender_inquiry::blender_inquiry(aio::executor_type loop, std::filesystem::path state,
                                 std::vector<std::string> environment, aio::blocking_pool& pool)
    : loop_(loop), pool_(pool), state_(std::move(state)), environment_(std::move(environment)) {}

aio::task<result<std::string>> blender_inquiry::ask(std::filesystem::path executable) {
  if (stopped_)
    co_return error{errc::unavailable, "kilnd is stopping"};
  const auto log = state_ / "blender-devices.log";
  const auto clear_here = [log] { return take_report(log); }; // of one that was killed
  (void)co_await pool_.run(clear_here);
  const process::launch_request request{.executable = std::move(executable),
                                        .arguments = {"-b", "--factory-startup", "-noaudio", "--python-expr",
                                                      std::string{blender::devices_script}},
                                        .environment = environment_,
                                        .working_directory = state_,
                                        .log_file = log};
  const auto program = process::child::launch(loop_, request, grace);
  if (!program)
    co_return program.error();
  running_ = program->get();
  aio::timer late{loop_, patience};
  aio::task_group watch{loop_, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
  watch.spawn(stop_when_late(**program, late));
  const auto exit = co_await (*program)->wait();
  running_ = nullptr;
  late.cancel();
  co_await watch.join();

  const auto read_here = [log] { return take_report(log); };
  auto found = co_await pool_.run(read_here);
  if (!exit.is_success() || found.empty())
    co_return error{errc::unavailable, "this Blender did not say what it can render on"};
  co_return found;
}

void blender_inquiry::stop() {
  stopped_ = true;
  if (running_)
    running_->stop();
}

} // namespace kiln::app
