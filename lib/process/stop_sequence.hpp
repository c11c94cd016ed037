// SPDX-License-Identifier: Apache-2.0
//
// Carries out the actions of policy::stop_ladder on a process group: signals, and the timer of the grace
// period. The states of child and adopted derive from it.
#pragma once

#include "aio/task.hpp"
#include "policy/stop_ladder.hpp"

#include <chrono>
#include <memory>

#include <sys/types.h>

namespace kiln::process {

class stop_sequence : public std::enable_shared_from_this<stop_sequence> {
public:
  stop_sequence(const stop_sequence&) = delete;
  stop_sequence& operator=(const stop_sequence&) = delete;

  /// Its leader's pid, which is also the id of the group.
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// Ends the group: SIGTERM, then SIGKILL after the grace period.
  void stop() { carry_out(ladder_.on_stop()); }
  /// Ends the group without grace.
  void kill() { carry_out(ladder_.on_kill()); }
  /// The leader has exited: what it leaves in its group is ended.
  void end_remainder() { carry_out(ladder_.on_leader_gone()); }
  /// Later calls have no effect.
  void set_empty() noexcept { ladder_.on_group_empty(); }
  void cancel_grace() { grace_over_.cancel(); }

protected:
  /// `grace`: from SIGTERM to SIGKILL.
  stop_sequence(aio::executor_type loop, pid_t pid, std::chrono::milliseconds grace)
      : pid_(pid), grace_over_(loop), grace_(grace) {}
  ~stop_sequence() = default;

  /// Whether the group's id still belongs to it; if not, no signal is sent.
  [[nodiscard]] virtual bool is_ours() = 0;

private:
  void carry_out(policy::stop_ladder::action action);

  pid_t pid_;
  aio::timer grace_over_;
  std::chrono::milliseconds grace_;
  policy::stop_ladder ladder_;
};

} // namespace kiln::process
