// SPDX-License-Identifier: Apache-2.0
#include "app/application.hpp"
#include "app/config.hpp"
#include "app/exit_status.hpp"
#include "app/service_manager.hpp"
#include "app/token_command.hpp"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <malloc.h>
#include <unistd.h>

namespace {

using namespace kiln::app;

int run(std::vector<std::string> arguments, const std::vector<std::string>& environment) {
  const auto read = read_config(std::move(arguments), environment);
  if (const auto* early = std::get_if<early_exit>(&read)) {
    std::fputs(early->text.c_str(), early->status == exit_ok ? stdout : stderr);
    return early->status;
  }
  const auto& config = std::get<kiln::app::config>(read);
  if (!config.backup_to.empty())
    return run_backup(config);
  if (config.token)
    return run_token(config);
  if (config.check_only)
    return run_check(config, environment);
  return run_daemon(config, environment);
}

/// Notifies a supervisor that waits for READY=1 that it will not come.
std::string failure_message(int status) {
  const int number = status == exit_usage ? EINVAL : status == exit_listen ? EADDRNOTAVAIL : EIO;
  return "ERRNO=" + std::to_string(number) + "\nSTATUS=Exit status " + std::to_string(status) +
         ", see the log";
}

} // namespace

int main(int argc, char** argv) {
#ifdef __GLIBC__
  // Freed buffers of bodies and answers are returned to the system. Otherwise the threshold rises with the
  // first of them, and the memory once used by hundreds of connections stays in the heap.
  constexpr int large = 128 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, large);
#endif
  try {
    std::vector<std::string> environment;
    for (char** variable = environ; *variable; ++variable)
      environment.emplace_back(*variable);
    const int status = run({argv + 1, argv + argc}, environment);
    if (status != exit_ok)
      service_manager{environment, ::getpid()}.tell(failure_message(status));
    return status;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "kilnd: a defect of Kiln ended it: %s\n", e.what());
    return exit_internal;
  }
}
