// SPDX-License-Identifier: Apache-2.0
//
// A process group whose end can be awaited and that can be stopped: started by this Kiln (child) or by an
// earlier run of the daemon (adopted).
#pragma once

#include "aio/task.hpp"
#include "domain/attempt.hpp"

#include <memory>
#include <optional>

#include <sys/types.h>

namespace kiln::process {

struct process_end {
  bool left = false;                             ///< leave() was called: it continues without us
  std::optional<domain::process_exit> exit = {}; ///< of the leader; nullopt if unknown
};

class control_group;

class supervised {
public:
  virtual ~supervised() = default;

  /// Also the id of its group.
  [[nodiscard]] virtual pid_t pid() const noexcept = 0;

  /// Its control group; null: it has none of its own.
  [[nodiscard]] virtual std::shared_ptr<const control_group> group() const { return nullptr; }

  /// Completes when the leader has exited and its group is empty, or after leave(). Await once.
  [[nodiscard]] virtual aio::task<process_end> watch() = 0;

  /// Begins to end the group: SIGTERM, then SIGKILL after the grace. A second call changes nothing. Needs a
  /// watch() in progress.
  virtual void stop() = 0;

  /// Ends the group without grace: SIGKILL. Needs a watch() in progress.
  virtual void kill() = 0;

  /// Like stop(), but lets the process finish its current work if possible and short.
  virtual void stop_gently() { stop(); }

  /// Stops watching; the process continues.
  virtual void leave() = 0;
};

} // namespace kiln::process
