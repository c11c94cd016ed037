// SPDX-License-Identifier: Apache-2.0
#include "policy/attempt_course.hpp"

#include <utility>

namespace kiln::policy {

using domain::stop_reason;

/// Translates an action on the process for phases in which no process runs.
attempt_course::action attempt_course::unless_over(action of_what_runs) const noexcept {
  switch (phase_) {
  case phase::preparing:
    return action::abandon;
  case phase::waiting:
  case phase::rendering:
    return of_what_runs;
  case phase::over:
    break;
  }
  return action::none;
}

attempt_course::action attempt_course::on_held() noexcept {
  if (phase_ != phase::preparing)
    return action::none;
  phase_ = phase::waiting;
  if (is_left_)
    return action::leave;
  if (!stopped_)
    return action::none;
  return is_killed_ ? action::kill : action::end;
}

void attempt_course::on_lost_hold() noexcept {
  if (phase_ == phase::waiting)
    phase_ = phase::preparing;
}

void attempt_course::on_begun() noexcept {
  if (phase_ == phase::over)
    return;
  phase_ = phase::rendering;
  has_begun_ = true;
}

attempt_course::action attempt_course::on_stop(stop_reason why) noexcept {
  const bool counts = !stopped_ || (stopped_ == stop_reason::pause && why == stop_reason::cancel);
  if (counts)
    stopped_ = why;
  if (why == stop_reason::shutdown && std::exchange(is_shutting_down_, true))
    is_killed_ = true;
  if (is_left_)
    return action::none;
  if (why == stop_reason::shutdown)
    return unless_over(is_killed_ ? action::kill : action::end);
  if (!counts || is_shutting_down_)
    return action::none;
  const bool may_finish = why == stop_reason::cancel || why == stop_reason::pause;
  return unless_over(may_finish ? action::finish : action::end);
}

attempt_course::action attempt_course::on_leave() noexcept {
  if (std::exchange(is_left_, true))
    return action::none;
  return unless_over(action::leave);
}

void attempt_course::on_over() noexcept {
  phase_ = phase::over;
}

} // namespace kiln::policy
