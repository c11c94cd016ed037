// SPDX-License-Identifier: Apache-2.0
#include "app/signals.hpp"

#include <boost/asio/redirect_error.hpp>

#include <csignal>

namespace kiln::app {

void reset_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
}

requests::requests(aio::executor_type loop) : signals(loop, SIGTERM, SIGINT, SIGHUP), changed(loop) {
  signals.add(SIGUSR2);
}

aio::task<> watch_signals(requests& asked) {
  // A wait that completes as it is cancelled may still deliver a signal, hence `ended`.
  while (!asked.ended) {
    boost::system::error_code ec;
    const int signal = co_await asked.signals.async_wait(aio::asio::redirect_error(aio::use_task, ec));
    if (ec)
      co_return;
    if (signal == SIGHUP) {
      asked.reload = true;
    } else {
      if (asked.stops++ == 0)
        asked.leaving = signal == SIGUSR2;
      if (asked.interrupt)
        asked.interrupt();
    }
    asked.changed.notify_all();
  }
}

} // namespace kiln::app
