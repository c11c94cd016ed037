// SPDX-License-Identifier: Apache-2.0
#include "app/bounded_runs.hpp"

#include "process/timed_wait.hpp"

#include <fstream>
#include <utility>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds grace{1}; // from SIGTERM to SIGKILL
constexpr std::size_t most_printed = 1 << 20;

std::string read_beginning(const fs::path& file) {
  std::string text(most_printed, '\0');
  std::ifstream in{file, std::ios::binary};
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

} // namespace

aio::task<result<bounded_run>> bounded_runs::run(process::launch_request request,
                                                 std::chrono::milliseconds limit) {
  if (is_stopped_)
    co_return error{errc::unavailable, "kilnd is stopping"};
  const auto prepare_here = [directory = request.working_directory, log = request.log_file] {
    std::error_code ignored;
    fs::remove(log, ignored); // left by a killed run
    fs::create_directories(directory / "tmp", ignored);
    return fs::canonical(directory, ignored);
  };
  auto directory = co_await pool_.run(prepare_here);
  if (is_stopped_)
    co_return error{errc::unavailable, "kilnd is stopping"};
  const auto program = process::child::launch(loop_, request, grace);
  if (!program)
    co_return program.error();
  running_.insert(program->get());
  const auto end = co_await process::wait_within(loop_, **program, limit);
  running_.erase(program->get());
  bounded_run done{
      .pid = (*program)->pid(), .exit = end.exit, .is_late = end.is_late, .printed = {}, .directory = {}};
  const auto finish_here = [directory, log = request.log_file] {
    auto printed = read_beginning(log);
    std::error_code ignored;
    fs::remove_all(directory, ignored);
    return printed;
  };
  done.printed = co_await pool_.run(finish_here);
  done.directory = std::move(directory);
  if (done.exit == process::unknown_exit)
    co_return error{errc::internal, "the exit status of " + request.executable.native() + " is not known"};
  co_return done;
}

void bounded_runs::stop() {
  is_stopped_ = true;
  for (auto* program : running_)
    program->stop();
}

} // namespace kiln::app
