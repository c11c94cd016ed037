// SPDX-License-Identifier: Apache-2.0
//
// What kilnd and the program that supervises it (systemd, start-stop-daemon --notify-await, podman) say to
// each other: readiness, watchdog and sockets that were opened for us. The protocols are sd_notify(3),
// sd_watchdog_enabled(3) and sd_listen_fds(3), which are documented as stable and open to implementations of
// one's own; libsystemd would cost 1 MB at rest.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace kiln::app {

class service_manager {
public:
  /// `environment`: "KEY=VALUE", of which NOTIFY_SOCKET, WATCHDOG_* and LISTEN_* count, where they are meant
  /// for the process `own`.
  service_manager(const std::vector<std::string>& environment, pid_t own);

  /// "READY=1", "STOPPING=1", "STATUS=…"; several are told at once with a newline between them. Does nothing
  /// when nobody asked to be told, or has gone.
  void tell(std::string_view state) const;

  /// That the configuration is read anew; "READY=1" follows when it is.
  void tell_reloading() const;

  /// It kills us when it has not heard "WATCHDOG=1" for so long.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

  /// Sockets that are open already (socket activation).
  [[nodiscard]] std::vector<int> sockets() const;

private:
  std::string notify_address_; ///< a path, or an abstract name that begins with '@'; empty: nobody asked
  std::optional<std::chrono::microseconds> watchdog_;
  int sockets_ = 0;
};

} // namespace kiln::app
