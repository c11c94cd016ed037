// SPDX-License-Identifier: Apache-2.0
#include "app/preflight.hpp"

#include "aio/task_group.hpp"
#include "blender/command_line.hpp"
#include "executor/workspace.hpp"
#include "process/child.hpp"

#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kiln::app {
namespace {

namespace fs = std::filesystem;

bool is_executable(const fs::path& path) {
  std::error_code ec;
  return fs::is_regular_file(path, ec) && ::access(path.c_str(), X_OK) == 0;
}

aio::task<> stop_when_late(process::child& program, aio::timer& patience) {
  boost::system::error_code ec;
  co_await patience.async_wait(aio::asio::redirect_error(aio::use_task, ec));
  if (!ec)
    program.stop();
}

std::optional<std::string> check_directory(const char* key, const fs::path& directory) {
  std::error_code ec;
  fs::create_directories(directory, ec);
  if (ec)
    return fmt::format("{}: {} cannot be made: {}", key, directory.native(), ec.message());
  auto name = (directory / ".kilnd-XXXXXX").native();
  const int fd = ::mkstemp(name.data());
  if (fd < 0)
    return fmt::format("{}: {}", key,
                       system_error(errno, directory.native() + " cannot be written to").message);
  ::close(fd);
  ::unlink(name.c_str());
  return std::nullopt;
}

std::optional<std::string> check_blend(const fs::path& blend) {
  if (blend.empty())
    return std::nullopt;
  const auto bad = executor::check_blend(blend);
  return bad ? std::optional{"blend: " + bad->message} : std::nullopt;
}

} // namespace

result<fs::path> find_executable(const fs::path& named, const std::string& search_path) {
  if (named.has_parent_path()) {
    if (is_executable(named))
      return named;
    return error{errc::not_found, fmt::format("blender: there is no program at {}", named.native())};
  }
  std::istringstream directories{search_path};
  for (std::string directory; std::getline(directories, directory, ':');)
    if (const auto path = fs::path{directory} / named; path.is_absolute() && is_executable(path))
      return path;
  return error{errc::not_found,
               fmt::format("blender: there is no {} in PATH; install Blender, or name it with --blender",
                           named.native())};
}

aio::task<result<std::string>> ask_version(aio::executor_type loop, fs::path executable, fs::path directory,
                                           process::confinement_ptr sandbox) {
  const auto log = directory / "blender-version.log";
  std::error_code ignored;
  fs::remove(log, ignored);
  const process::launch_request request{.executable = executable,
                                        .arguments = {"--version"},
                                        .environment = {"PATH=/usr/bin:/bin"},
                                        .working_directory = directory,
                                        .log_file = log,
                                        .sandbox = std::move(sandbox)};
  const auto program = process::child::launch(loop, request, std::chrono::seconds{1});
  if (!program)
    co_return error{program.error().code, "blender: " + program.error().message};
  aio::timer patience{loop, std::chrono::seconds{30}};
  aio::task_group watch{loop, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
  watch.spawn(stop_when_late(**program, patience));
  const auto exit = co_await (*program)->wait();
  patience.cancel();
  co_await watch.join();

  std::string version;
  std::getline(std::ifstream{log}, version);
  fs::remove(log, ignored);
  if (!exit.is_success() || !version.starts_with("Blender "))
    co_return error{errc::invalid_input,
                    fmt::format("blender: {} does not answer --version as Blender does, but with \"{}\"",
                                executable.native(), version)};
  co_return version;
}

aio::task<result<std::vector<blender::install>>> find_blenders(aio::executor_type loop, const config& c,
                                                               std::string search_path) {
  std::vector<blender::install> all;
  for (const auto& [name, path] : c.blenders) {
    if (c.on_slurm) { // it is on the nodes; there need not be one here
      all.push_back({name, path, "Blender on the nodes of Slurm"});
      continue;
    }
    auto executable = find_executable(path, search_path);
    if (!executable)
      co_return executable.error();
    auto version = co_await ask_version(loop, *executable, c.state);
    if (!version)
      co_return version.error();
    all.push_back({name, std::move(*executable), std::move(*version)});
  }
  co_return all;
}

std::vector<std::string> check_files(const config& c) {
  std::vector<std::string> wrong;
  for (auto bad :
       {check_blend(c.blend), check_directory("state", c.state), check_directory("output", c.output)})
    if (bad)
      wrong.push_back(std::move(*bad));
  for (const auto& root : c.project_roots)
    if (std::error_code ec; !fs::is_directory(root, ec))
      wrong.push_back(fmt::format("project_root: {} is not a directory", root.native()));
  if (!c.slurm_template.empty() && ::access(c.slurm_template.c_str(), R_OK) != 0)
    wrong.push_back("slurm_template: " +
                    system_error(errno, c.slurm_template.native() + " cannot be read").message);
  if (const auto at = c.output.native().find_first_of(blender::unusable_in_output); at != std::string::npos)
    wrong.push_back(
        fmt::format("output: {} holds a '{}', which Blender does not take as it is: choose another directory",
                    c.output.native(), c.output.native()[at]));
  return wrong;
}

std::optional<std::string> check_readiness(const config& c, const std::vector<blender::install>& blenders) {
  for (const auto& [name, executable, version] : blenders)
    if (!c.on_slurm && !is_executable(executable))
      return fmt::format("Blender is gone: there is no program at {}", executable.native());
  if (auto bad = check_blend(c.blend))
    return bad;
  for (const auto& directory : {c.output, c.state})
    if (::access(directory.c_str(), W_OK | X_OK) != 0)
      return system_error(errno, directory.native() + " cannot be written to").message;
  return std::nullopt;
}

} // namespace kiln::app
