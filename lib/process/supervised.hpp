// SPDX-License-Identifier: Apache-2.0
//
// A process group whose end is awaited and that can be made to end: one that Kiln has started (child), or one
// that an earlier life of the daemon has started (adopted).
#pragma once

#include "aio/task.hpp"
#include "domain/attempt.hpp"

#include <optional>

#include <sys/types.h>

namespace kiln::process {

struct process_end {
  bool left = false;                             ///< leave() was called: it goes on without us
  std::optional<domain::process_exit> exit = {}; ///< of the leader; nothing when it cannot be known
};

class supervised {
public:
  virtual ~supervised() = default;

  /// Also the id of its group.
  [[nodiscard]] virtual pid_t pid() const noexcept = 0;

  /// Completes when the leader has exited and its group is empty, or after leave(). To be awaited once.
  [[nodiscard]] virtual aio::task<process_end> watch() = 0;

  /// Begins to end the group: SIGTERM, after the grace SIGKILL. A second call changes nothing. Needs a
  /// watch() under way.
  virtual void stop() = 0;

  /// Ends the group without the grace: SIGKILL. Needs a watch() under way.
  virtual void kill() = 0;

  /// The same, but what it does for us just now may be finished, where it can and if it does not take long.
  virtual void stop_gently() { stop(); }

  /// Ends the watching, not the process.
  virtual void leave() = 0;
};

} // namespace kiln::process
