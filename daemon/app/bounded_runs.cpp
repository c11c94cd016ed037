// SPDX-License-Identifier: Apache-2.0
#include "app/bounded_runs.hpp"

#include "aio/task_group.hpp"
#include "process/child.hpp"

#include <boost/asio/redirect_error.hpp>

#include <fstream>
#include <utility>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds grace{1}; // from SIGTERM to SIGKILL
constexpr std::size_t most_printed = 1 << 20;

aio::task<> stop_when_late(process::child& program, aio::timer& limit, bool& is_late) {
  boost::system::error_code ec;
  co_await limit.async_wait(aio::asio::redirect_error(aio::use_task, ec));
  if (ec)
    co_return;
  is_late = true;
  program.stop();
}

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
    fs::remove(log, ignored); // of a run that was killed
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
  bounded_run done{.pid = (*program)->pid(), .exit = {}, .printed = {}, .directory = {}};
  aio::timer late{loop_, limit};
  aio::task_group watch{loop_, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
  watch.spawn(stop_when_late(**program, late, done.is_late));
  done.exit = co_await (*program)->wait();
  running_.erase(program->get());
  late.cancel();
  co_await watch.join();
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
