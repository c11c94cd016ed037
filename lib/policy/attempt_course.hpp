// SPDX-License-Identifier: Apache-2.0
//
// The life of an attempt, from its first look at the .blend to its end: which phase it is in, and what is to
// be done when something happens to it. A state machine without clock, process or disk: events go in, the
// action to carry out comes back. Attempts on this machine, in a session and on a cluster use the same one,
// so every phase answers every event.
#pragma once

#include "domain/attempt.hpp"

#include <optional>

namespace kiln::policy {

class attempt_course {
public:
  enum class phase {
    preparing, ///< nothing runs for it: files are read, directories are made, a session is waited for
    waiting,   ///< something runs, or is queued, that has not begun with it: a session that loads, a cluster
    rendering, ///< its Blender renders it
    over,      ///< nothing renders it any more; what is left is to judge its files
  };

  enum class action {
    none,
    abandon, ///< do not wait for the step that is under way, and begin no other
    finish,  ///< end what runs; it may finish the frame that it is at if that does not take long
    end,     ///< end what runs, with the grace of stop_ladder
    kill,    ///< end what runs, without the grace
    leave,   ///< stop watching what runs: it goes on, and the next life of the daemon takes it up
  };

  /// Something runs, or is queued, that can be ended from now on. Answers what is to be done with it at once,
  /// which is `none` unless the attempt is ending.
  [[nodiscard]] action on_held() noexcept;

  /// It has ended before it began with the attempt, which prepares again.
  void on_lost_hold() noexcept;

  void on_begun() noexcept;

  /// The attempt is to end. The first reason is the one that counts, and a later one changes nothing, with
  /// two exceptions. A cancel takes the place of a pause, whose frames may take long. The daemon's end ends
  /// what may still finish its frame, and asked a second time it kills.
  [[nodiscard]] action on_stop(domain::stop_reason why) noexcept;

  /// The attempt is to go on without this daemon. One of which nothing runs yet will not be started.
  [[nodiscard]] action on_leave() noexcept;

  /// Nothing renders it any more. From here on its time does not count, and there is nothing to end.
  void on_over() noexcept;

  [[nodiscard]] phase now() const noexcept { return phase_; }
  [[nodiscard]] bool has_begun() const noexcept { return has_begun_; }
  [[nodiscard]] bool is_over() const noexcept { return phase_ == phase::over; }
  [[nodiscard]] bool is_left() const noexcept { return is_left_; }
  [[nodiscard]] bool is_shutting_down() const noexcept { return is_shutting_down_; }
  [[nodiscard]] std::optional<domain::stop_reason> stopped() const noexcept { return stopped_; }
  /// It is to begin nothing more.
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
