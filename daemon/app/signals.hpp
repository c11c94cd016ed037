// SPDX-License-Identifier: Apache-2.0
//
// The signals to kilnd: requests are recorded from the first moment on, and carried out once the parts of the
// daemon exist (application.cpp). Not for SIGCHLD, which lib/process watches.
#pragma once

#include "aio/notification.hpp"
#include "aio/task.hpp"

#include <boost/asio/basic_signal_set.hpp>

#include <functional>

namespace kiln::app {

/// Resets settings inherited from the parent process: ignoring SIGCHLD would lose the exit statuses of
/// children. SIGPIPE is ignored, since a client that leaves must not end kilnd.
void reset_signals();

/// What the signals have requested so far.
struct requests {
  /// From here on SIGTERM, SIGINT, SIGHUP and SIGUSR2 do not end the process; they wait for watch_signals().
  explicit requests(aio::executor_type loop);

  aio::asio::basic_signal_set<aio::executor_type> signals;
  int stops = 0;
  bool leaving = false;            ///< value of the first stop: renders go on
  bool reload = false;             ///< SIGHUP came, and was not acted on yet
  bool ended = false;              ///< shutdown is complete: no further signal is awaited
  std::function<void()> interrupt; ///< called at each stop; set by a step of the start that may take long
  aio::notification changed;
};

/// Records each signal until `asked.ended` is set and `asked.signals` cancelled.
[[nodiscard]] aio::task<> watch_signals(requests& asked);

} // namespace kiln::app
