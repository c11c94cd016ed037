// SPDX-License-Identifier: Apache-2.0
//
// Coroutines that sleep until something happens to what they look at, each with a deadline of its own. Made
// for ten thousand of them: waking one costs nothing to the others.
#pragma once

#include "aio/task.hpp"

#include <boost/intrusive/list.hpp>

namespace kiln::aio {

class wake_list;

/// One coroutine's. Not for use from other threads.
class sleeper
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
  /// It may outlive the list: nobody wakes it then.
  sleeper(executor_type loop, wake_list& woken_with);

  /// Completes when woken, or at `until`. A wake-up since the last sleep counts: it completes at once.
  [[nodiscard]] task<> wait(clock::time_point until);

  void wake();

  /// It is not to sleep any more.
  void close();
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }

private:
  timer timer_;
  bool woken_ = false;
  bool closed_ = false;
};

class wake_list {
public:
  void wake_all();
  [[nodiscard]] bool empty() const noexcept { return sleepers_.empty(); }

private:
  friend class sleeper;
  boost::intrusive::list<sleeper, boost::intrusive::constant_time_size<false>> sleepers_;
};

} // namespace kiln::aio
