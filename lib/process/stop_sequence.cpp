// SPDX-License-Identifier: Apache-2.0
#include "process/stop_sequence.hpp"

#include <boost/system/error_code.hpp>

#include <csignal>

namespace kiln::process {

void stop_sequence::carry_out(policy::stop_ladder::action action) {
  using enum policy::stop_ladder::action;
  if (action == none || !is_ours())
    return;
  if (action == terminate) {
    ::kill(-pid_, SIGTERM);
    ::kill(-pid_, SIGCONT); // a stopped process cannot act on SIGTERM
    grace_over_.expires_after(grace_);
    // The timer may have expired, with its handler queued, when its owner is destroyed.
    grace_over_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
      if (!ec)
        self->carry_out(self->ladder_.on_grace_over());
    });
  } else {
    grace_over_.cancel();
    ::kill(-pid_, SIGKILL);
  }
}

} // namespace kiln::process
