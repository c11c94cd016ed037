// SPDX-License-Identifier: Apache-2.0
//
// A launcher for Boost.Process v2, in place of its own, which in Boost 1.81 forks (slower as memory grows),
// passes descriptors on, and after a failed exec leaves a zombie that ran the parent's exit handlers. See
// docs/decisions/0002-processes.md. For lib/process only.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"
#include "process/launch.hpp"

#include <boost/process/v2/process.hpp>

#include <sys/types.h>

namespace kiln::process {

/// Starts a process in its own group, with standard input from /dev/null or `input`, output and error to the
/// log file, no other descriptors, default signal handlers and no blocked signals. Returns once the program
/// runs; the calling thread waits for the exec (0.1 ms, whatever the size of the daemon). On failure the
/// error names the path, and no process is left behind.
[[nodiscard]] result<pid_t> spawn(const launch_request& request);

/// The launcher in the form of Boost.Process v2: returns a basic_process.
struct group_launcher {
  template<class Executor>
  [[nodiscard]] result<boost::process::v2::basic_process<Executor>>
  operator()(Executor executor, const launch_request& request) const {
    const auto pid = spawn(request);
    if (!pid)
      return pid.error();
    return boost::process::v2::basic_process<Executor>{executor, *pid};
  }
};

} // namespace kiln::process
