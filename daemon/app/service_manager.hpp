// SPDX-License-Identifier: Apache-2.0
//
// The protocols between kilnd and its supervisor (systemd, start-stop-daemon --notify-await, podman):
// readiness, watchdog and sockets opened for kilnd. The protocols are sd_notify(3),
// sd_watchdog_enabled(3) and sd_listen_fds(3), which are documented as stable and open to other
// implementations; libsystemd would cost 1 MB at rest.
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
  /// `environment`: "KEY=VALUE". NOTIFY_SOCKET, WATCHDOG_* and LISTEN_* are used if they are meant for the
  /// process `own`.
  service_manager(const std::vector<std::string>& environment, pid_t own);

  /// "READY=1", "STOPPING=1", "STATUS=…"; several are sent at once, separated by newlines. No effect
  /// without a supervisor.
  void tell(std::string_view state) const;

  /// Notifies that the configuration is being reloaded; send "READY=1" afterwards.
  void tell_reloading() const;

  /// The supervisor kills kilnd if it receives no "WATCHDOG=1" for this time.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

  /// Sockets opened by the supervisor (socket activation).
  [[nodiscard]] std::vector<int> sockets() const;

private:
  std::string notify_address_; ///< a path, or an abstract name that begins with '@'; empty: no supervisor
  std::optional<std::chrono::microseconds> watchdog_;
  int sockets_ = 0;
};

} // namespace kiln::app
