// SPDX-License-Identifier: Apache-2.0
#include "policy/stop_ladder.hpp"

namespace kiln::policy {

stop_ladder::action stop_ladder::on_stop() noexcept {
  if (rung_ != rung::running)
    return action::none;
  rung_ = rung::terminating;
  return action::terminate;
}

stop_ladder::action stop_ladder::on_kill() noexcept {
  if (rung_ != rung::running && rung_ != rung::terminating)
    return action::none;
  rung_ = rung::killed;
  return action::kill;
}

stop_ladder::action stop_ladder::on_leader_gone() noexcept {
  if (rung_ != rung::running)
    return action::none; // the stop sequence has already begun
  rung_ = rung::terminating;
  return action::terminate;
}

stop_ladder::action stop_ladder::on_grace_over() noexcept {
  if (rung_ != rung::terminating)
    return action::none;
  rung_ = rung::killed;
  return action::kill;
}

} // namespace kiln::policy
