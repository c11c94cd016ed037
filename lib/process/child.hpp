// SPDX-License-Identifier: Apache-2.0
//
// A process group started by Kiln. Its end is observed without polling, and it can be stopped. It has ended
// when the leader has exited AND the group is empty.
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
/// PR_SET_CHILD_SUBREAPER). Call once, at program start.
void become_subreaper();

/// The end of a process whose status the kernel no longer has (waitid(2), ECHILD): SIGCHLD was ignored, or
/// other code waited for it. No process exits with -1.
inline constexpr domain::process_exit unknown_exit{domain::process_exit::how::exited, -1};

class child final : public supervised {
public:
  /// Starts the group. `grace`: from SIGTERM to SIGKILL when it is stopped. Errors name the path concerned.
  [[nodiscard]] static result<std::unique_ptr<child>>
  launch(aio::executor_type loop, const launch_request& request, std::chrono::milliseconds grace);

  child(const child&) = delete;
  child& operator=(const child&) = delete;
  /// A process that still runs is left alone.
  ~child() override;

  [[nodiscard]] pid_t pid() const noexcept override;
  [[nodiscard]] std::shared_ptr<const control_group> group() const override;

  /// Completes when the leader has exited and its group is empty; returns the leader's exit, or unknown_exit.
  /// Processes that the leader leaves in its group are stopped. Await once; again only after a cancellation.
  [[nodiscard]] aio::task<domain::process_exit> wait();

  /// Like wait(), but ends on leave() too. An unknown exit is returned as nullopt.
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
