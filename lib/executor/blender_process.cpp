// SPDX-License-Identifier: Apache-2.0
#include "executor/blender_process.hpp"

#include <utility>

namespace kiln::executor {

std::string mark_of(const std::filesystem::path& temp) {
  return "TMPDIR=" + temp.native();
}

result<std::unique_ptr<process::child>> start_blender(aio::executor_type loop, const local_settings& settings,
                                                      blender_start how) {
  process::launch_request request{.executable = settings.blender,
                                  .arguments = std::move(how.arguments),
                                  .environment = settings.environment,
                                  .working_directory = std::move(how.directory),
                                  .input = how.input,
                                  .log_file = std::move(how.log)};
  request.environment.push_back(mark_of(how.temp));
  for (const char* name : {"TEMP=", "TMP="})
    request.environment.push_back(name + how.temp.native());
  return process::child::launch(loop, request, settings.stop_grace);
}

} // namespace kiln::executor
