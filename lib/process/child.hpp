// SPDX-License-Identifier: Apache-2.0
//
// A process group that Kiln has started: its end is observed, never polled for, and it can be made to end. It
// is over when the leader has exited AND the group is empty.
#pragma once

#include "aio/task.hpp"
#include "base/error.hpp"
#include "domain/attempt.hpp"
#include "process/launch.hpp"
#include "process/supervised.hpp"

#include <chrono>
#include <memory>

#include <sys/types.h>

namespace kiln::process {

/// Makes orphans of our children's groups our own children, so that their end can be observed (prctl(2),
/// PR_SET_CHILD_SUBREAPER). Once, at the start of the program.
void become_subreaper();

/// The end of a process whose status the kernel no longer has (waitid(2), ECHILD): SIGCHLD was ignored, or
/// other code waited for it. No process exits with -1.
inline constexpr domain::process_exit unknown_exit{domain::process_exit::how::exited, -1};

class child final : public supervised {
public:
  /// Starts it. `grace`: from SIGTERM to SIGKILL when it is stopped. Errors name the path they are about.
  [[nodiscard]] static result<std::unique_ptr<child>>
  launch(aio::executor_type loop, const launch_request& request, std::chrono::milliseconds grace);

  child(const child&) = delete;
  child& operator=(const child&) = delete;
  /// A process that still runs is left alone.
  ~child() override;

  [[nodiscard]] pid_t pid() const noexcept override;

  /// Completes when the leader has exited and its group is empty; returns how the leader ended, or
  /// unknown_exit. What a leader leaves behind in its group is stopped. To be awaited once; after a
  /// cancellation it can be awaited again.
  [[nodiscard]] aio::task<domain::process_exit> wait();

  /// The same as wait(), for those who may leave(). An unknown exit is no exit here.
  [[nodiscard]] aio::task<process_end> watch() override;

  void stop() override;
  void kill() override;
  void leave() override;

private:
  struct state;
  explicit child(std::shared_ptr<state> s);
  std::shared_ptr<state> state_;
};

} // namespace kiln::process
