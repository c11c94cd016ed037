// SPDX-License-Identifier: Apache-2.0
//
// The stop sequence of a process group: SIGTERM, a grace period, SIGKILL. A state machine without clock or
// process: events go in, the action to carry out comes back.
#pragma once

namespace kiln::policy {

class stop_ladder {
public:
  enum class action {
    none,
    terminate, ///< send SIGTERM to the group, and call on_grace_over() when the grace has passed
    kill,      ///< send SIGKILL to the group
  };

  /// The group is to end. A repeated request changes nothing.
  [[nodiscard]] action on_stop() noexcept;

  /// The group is to end without grace, whether or not it was ending already.
  [[nodiscard]] action on_kill() noexcept;

  /// The leader has exited, but members of its group live on: they are ended too.
  [[nodiscard]] action on_leader_gone() noexcept;

  [[nodiscard]] action on_grace_over() noexcept;

  /// Nothing is left to signal; later events have no effect.
  void on_group_empty() noexcept { rung_ = rung::over; }

private:
  enum class rung { running, terminating, killed, over };
  rung rung_ = rung::running;
};

} // namespace kiln::policy
