// SPDX-License-Identifier: Apache-2.0
//
// How a process group is ended: SIGTERM, a time of grace, SIGKILL. A state machine without clock or process:
// events go in, the action to carry out comes back.
#pragma once

namespace kiln::policy {

class stop_ladder {
public:
  enum class action {
    none,
    terminate, ///< send SIGTERM to the group, and call on_grace_over() when the grace has passed
    kill,      ///< send SIGKILL to the group
  };

  /// The group is to end. A request that is repeated changes nothing.
  [[nodiscard]] action on_stop() noexcept;

  /// The group is to end without the grace, whether or not it was to end before.
  [[nodiscard]] action on_kill() noexcept;

  /// The leader has exited, but members of its group live on: they are ended too.
  [[nodiscard]] action on_leader_gone() noexcept;

  [[nodiscard]] action on_grace_over() noexcept;

  /// Nothing is left to signal; whatever comes later does nothing.
  void on_group_empty() noexcept { rung_ = rung::over; }

private:
  enum class rung { running, terminating, killed, over };
  rung rung_ = rung::running;
};

} // namespace kiln::policy
