// SPDX-License-Identifier: Apache-2.0
#include "local/blender_process.hpp"

#include "executor/attempt_places.hpp"
#include "local/blender_walls.hpp"
#include "process/process_table.hpp"

#include <array>
#include <utility>

namespace kiln::local {
namespace {

constexpr std::array time_bounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                 0.1,    0.25,    0.5,    1.0,   2.5,    5.0,   10.0, 30.0};

} // namespace

local_times::local_times() : spawn(time_bounds), exit(time_bounds) {}

std::string mark_of(const std::filesystem::path& temp) {
  return "TMPDIR=" + temp.native();
}

aio::task<result<process::confinement_ptr>>
confine_blender(aio::blocking_pool& pool, const local_settings& settings,
                std::vector<std::filesystem::path> places_of_blender, executor::attempt_paths paths,
                std::filesystem::path blend) {
  const auto confine_here = [&settings, places_of_blender, paths, blend] {
    return process::confine(settings.sandbox,
                            walls_of_attempt(settings.walls, places_of_blender, paths, blend),
                            settings.run_as.get());
  };
  auto sandbox = co_await pool.run(confine_here);
  if (!sandbox)
    co_return error{sandbox.error().code, "the sandbox cannot be built: " + sandbox.error().message};
  co_return sandbox;
}

result<std::unique_ptr<process::child>> start_blender(aio::executor_type loop, const local_settings& settings,
                                                      blender_start how) {
  const auto& program = how.blender.program;
  process::launch_request request{.executable = program.empty() ? how.blender.executable : program,
                                  .arguments = std::move(how.arguments),
                                  .environment = settings.environment,
                                  .working_directory = how.paths.directory,
                                  .input = how.input,
                                  .log_file = how.paths.printed,
                                  .sandbox = std::move(how.sandbox),
                                  .run_as = settings.run_as,
                                  .group = settings.groups ? settings.groups->make() : nullptr};
  request.environment.push_back(mark_of(how.paths.temp));
  for (const char* name : {"TEMP=", "TMP="})
    request.environment.push_back(name + how.paths.temp.native());
  if (request.sandbox) {
    const auto around = walls_of_attempt(settings.walls, how.blender.places, how.paths, how.blend);
    request.environment = environment_inside(around, std::move(request.environment));
    request.environment.push_back(describe_for_script(around));
  }
  const auto began = aio::clock::now();
  auto child = process::child::launch(loop, request, settings.stop_grace);
  // Without an entry, the process is found by its directory and environment.
  if (child)
    if (const auto identity = process::identity_of((*child)->pid()))
      (void)executor::keep_process(executor::process_entry(how.paths.directory, settings.state), *identity);
  settings.times->spawn.add(std::chrono::duration<double>(aio::clock::now() - began).count());
  return child;
}

} // namespace kiln::local
