// SPDX-License-Identifier: Apache-2.0
#include "cluster/slurm_commands.hpp"

#include "process/search_path.hpp"
#include "process/timed_wait.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <utility>

namespace kiln::cluster {
namespace {

namespace fs = std::filesystem;

/// A user's settings for these programs would change their output and their requests.
std::vector<std::string> environment_for_slurm(const std::vector<std::string>& own) {
  constexpr std::array kept_back{"SQUEUE_", "SBATCH_", "SCANCEL_", "SCONTROL_", "SLURM_TIME_FORMAT=",
                                 "LC_ALL=", "LANG=",   "LC_TIME=", "TZ="};
  std::vector<std::string> passed;
  std::ranges::copy_if(own, std::back_inserter(passed), [&](std::string_view variable) {
    return std::ranges::none_of(kept_back, [&](const char* prefix) { return variable.starts_with(prefix); });
  });
  passed.emplace_back("LC_ALL=C");
  passed.emplace_back("TZ=UTC"); // squeue prints local time
  return passed;
}

/// Looked up each time, because an update of Slurm or a module may move it.
result<fs::path> find_program(const std::string& name, const slurm_settings& settings) {
  if (!settings.programs.empty()) {
    if (const auto path = settings.programs / name; process::is_executable(path))
      return path;
    return error{errc::not_found, "there is no " + name + " in " + settings.programs.native()};
  }
  constexpr std::string_view path_is = "PATH=";
  for (const auto& variable : settings.environment)
    if (variable.starts_with(path_is))
      if (auto found = process::find_program(name, std::string_view{variable}.substr(path_is.size())))
        return std::move(*found);
  return error{errc::not_found,
               "there is no " + name + " in PATH: is Slurm installed here? slurm_programs says where"};
}

std::string read_bounded(const fs::path& file) {
  constexpr std::size_t most = 64 << 20;
  std::ifstream in{file, std::ios::binary};
  std::string text;
  std::array<char, 64 * 1024> piece{};
  while (text.size() < most && (in.read(piece.data(), piece.size()) || in.gcount() > 0))
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
  return text;
}

} // namespace

slurm_commands::slurm_commands(aio::executor_type loop, aio::blocking_pool& pool,
                               const slurm_settings& settings)
    : loop_(loop), pool_(pool), settings_(settings),
      environment_(environment_for_slurm(settings.environment)), free_(loop) {}

aio::task<result<command_answer>> slurm_commands::run(std::string program, std::vector<std::string> arguments,
                                                      fs::path directory) {
  while (busy_.contains(program))
    co_await free_.wait();
  busy_.insert(program);
  std::exception_ptr thrown;
  std::optional<result<command_answer>> answer;
  try {
    answer = co_await run_alone(program, std::move(arguments), std::move(directory));
  } catch (...) {
    thrown = std::current_exception();
  }
  busy_.erase(program);
  free_.notify_all();
  if (thrown)
    std::rethrow_exception(thrown);
  co_return std::move(*answer);
}

aio::task<result<command_answer>>
slurm_commands::run_alone(std::string program, std::vector<std::string> arguments, fs::path directory) {
  const auto log = settings_.state / "slurm" / (program + ".out");
  const auto prepare_here = [log, program, &settings = settings_] {
    std::error_code ignored;
    fs::create_directories(log.parent_path(), ignored);
    fs::remove(log, ignored);
    return find_program(program, settings);
  };
  auto executable = co_await pool_.run(prepare_here);
  if (!executable)
    co_return executable.error();
  const process::launch_request request{.executable = std::move(*executable),
                                        .arguments = std::move(arguments),
                                        .environment = environment_,
                                        .working_directory = std::move(directory),
                                        .log_file = log};
  const auto started = process::child::launch(loop_, request, std::chrono::seconds{1});
  if (!started)
    co_return error{started.error().code, program + " cannot be started: " + started.error().message};
  command_answer answer;
  const auto end = co_await process::wait_within(loop_, **started, settings_.deadline);
  answer.is_late = end.is_late;
  answer.is_success = end.exit.is_success() && !end.is_late;
  const auto read_here = [log] { return read_bounded(log); };
  answer.text = co_await pool_.run(read_here);
  if (answer.is_late)
    answer.text += "\n" + program + " gave no answer in time";
  co_return answer;
}

} // namespace kiln::cluster
