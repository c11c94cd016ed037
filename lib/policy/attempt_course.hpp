// SPDX-License-Identifier: Apache-2.0
//
// The life of an attempt, from reading the .blend to its end: its phase, and the response to each event. A
// state machine without clock, process or disk: events go in, the action to carry out comes back. It is
// shared by attempts on this machine, in a session and on a cluster, so every phase handles every event.
#pragma once

#include "domain/attempt.hpp"

#include <optional>

namespace kiln::policy {

class attempt_course {
public:
  enum class phase {
    preparing, ///< nothing runs for it: reading files, creating directories, waiting for a session
    waiting,   ///< something runs or is queued, but has not begun the attempt: a loading session, a cluster
    rendering, ///< its Blender renders it
    over,      ///< nothing renders it any more; only its files remain to be judged
  };

  enum class action {
    none,
    abandon, ///< do not wait for the current step, and begin no other
    finish,  ///< end the process; it may finish its current frame if that does not take long
    end,     ///< end the process, with the grace of stop_ladder
    kill,    ///< end the process, without grace
    leave,   ///< stop watching the process: it continues, and the next run of the daemon takes it over
  };

  /// A process runs or is queued, and can be ended from now on. Returns what to do with it at once: `none`
  /// unless the attempt is ending.
  [[nodiscard]] action on_held() noexcept;

  /// The process has ended before it began the attempt, which prepares again.
  void on_lost_hold() noexcept;

  void on_begun() noexcept;

  /// The attempt is to end. The first reason counts and later ones change nothing, with two exceptions. A
  /// cancel replaces a pause, whose frames may take long. A shutdown also ends a process that may still
  /// finish its frame, and a second shutdown kills.
  [[nodiscard]] action on_stop(domain::stop_reason why) noexcept;

  /// The attempt is to continue without this daemon. If nothing runs for it yet, it will not be started.
  [[nodiscard]] action on_leave() noexcept;

  /// Nothing renders the attempt any more. From here on its time does not count, and there is nothing to end.
  void on_over() noexcept;

  [[nodiscard]] phase now() const noexcept { return phase_; }
  [[nodiscard]] bool has_begun() const noexcept { return has_begun_; }
  [[nodiscard]] bool is_over() const noexcept { return phase_ == phase::over; }
  [[nodiscard]] bool is_left() const noexcept { return is_left_; }
  [[nodiscard]] bool is_shutting_down() const noexcept { return is_shutting_down_; }
  [[nodiscard]] std::optional<domain::stop_reason> stopped() const noexcept { return stopped_; }
  /// Whether the attempt must begin nothing more.
  [[nodiscard]] bool is_ending() const noexcept { return stopped_ || is_left_; }

private:
  [[nodiscard]] action unless_over(action of_what_runs) const noexcept;

  phase phase_ = phase::preparing;
  bool has_begun_ = false;
  bool is_left_ = false;
  bool is_shutting_down_ = false;
  bool is_killed_ = false;
  std::optional<domain::stop_reason> stopped_;
};

} // namespace kiln::policy
