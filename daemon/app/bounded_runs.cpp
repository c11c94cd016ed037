// SPDX-License-Identifier: Apache-2.0
#include "app/bounded_runs.hpp"

#include "aio/unique_descriptor.hpp"
#include "process/timed_wait.hpp"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds grace{1}; // from SIGTERM to SIGKILL
constexpr std::size_t most_printed = 1 << 20;

/// A regular file that is no link: its directory can belong to another user.
aio::unique_descriptor open_regular(const fs::path& file) {
  aio::unique_descriptor in{::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat facts {};
  const bool is_file = in.is_open() && ::fstat(in.get(), &facts) == 0 && S_ISREG(facts.st_mode);
  return is_file ? std::move(in) : aio::unique_descriptor{};
}

std::string read_beginning(const fs::path& file) {
  std::string text(most_printed, '\0');
  const auto in = open_regular(file);
  const auto size = in.is_open() ? ::pread(in.get(), text.data(), text.size(), 0) : 0;
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return text;
}

/// Creates the working directory, without what a killed run has left there. Returns it without links.
result<fs::path> prepare(const fs::path& directory, const fs::path& log, const process::credentials* user) {
  std::error_code ignored;
  struct stat facts {};
  if (user && ::lstat(directory.c_str(), &facts) == 0 && facts.st_uid != ::geteuid())
    fs::remove_all(directory, ignored);
  fs::remove(log, ignored);
  fs::create_directories(directory / "tmp", ignored);
  if (const auto given = process::give_directory(directory, user); !given)
    return given.error();
  return fs::canonical(directory, ignored);
}

} // namespace

aio::task<result<bounded_run>> bounded_runs::run(process::launch_request request,
                                                 std::chrono::milliseconds limit, std::string keep) {
  if (is_stopped_)
    co_return error{errc::unavailable, "kilnd is stopping"};
  request.run_as = user_;
  const auto prepare_here = [directory = request.working_directory, log = request.log_file, user = user_] {
    return prepare(directory, log, user.get());
  };
  auto prepared = co_await pool_.run(prepare_here);
  if (!prepared)
    co_return prepared.error();
  auto directory = std::move(*prepared);
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
  const auto finish_here = [directory, log = request.log_file, keep] {
    auto printed = read_beginning(log);
    auto kept = keep.empty() ? aio::unique_descriptor{} : open_regular(directory / keep);
    std::error_code ignored;
    fs::remove_all(directory, ignored);
    return std::pair{std::move(printed), std::move(kept)};
  };
  auto [printed, kept] = co_await pool_.run(finish_here);
  done.printed = std::move(printed);
  if (kept.is_open())
    done.kept = std::make_shared<const aio::unique_descriptor>(std::move(kept));
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
