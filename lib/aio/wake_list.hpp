// SPDX-License-Identifier: Apache-2.0
//
// Coroutines that sleep until woken, each with its own deadline. Designed for ten thousand of them: waking
// one costs the others nothing.
#pragma once

#include "aio/task.hpp"

#include <boost/intrusive/list.hpp>

namespace kiln::aio {

class wake_list;

/// The entry of one coroutine. Not for use from other threads.
class sleeper
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
  /// May outlive the list; it is then never woken.
  sleeper(executor_type loop, wake_list& woken_with);

  /// Completes when woken, or at `until`. A wake-up since the last sleep counts: it completes at once.
  [[nodiscard]] task<> wait(clock::time_point until);

  void wake();

  /// Wakes it for good: later waits complete at once.
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
