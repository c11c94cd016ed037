// SPDX-License-Identifier: Apache-2.0
#include "policy/frame_course.hpp"

#include "policy/seconds.hpp"

#include <algorithm>

namespace kiln::policy {
namespace {

frame_course::time_point earlier_by(frame_course::time_point from, double seconds) {
  constexpr double most = 86400.0 * 365;
  return from - std::chrono::duration_cast<frame_course::time_point::duration>(
                    std::chrono::duration<double>(std::min(sane_seconds(seconds), most)));
}

statement_kind kind_of(const domain::frame_progress& said) {
  if (said.may_end_early)
    return statement_kind::bound;
  return said.by_tiles ? statement_kind::tiles : statement_kind::plain;
}

} // namespace

/// Remaining seconds of the pass: as reported by Blender, otherwise from the pace since its first line with
/// samples. That line alone is not enough: EEVEE's first sample includes all preparation of the frame.
std::optional<double> frame_course::rest_of_pass(const domain::frame_progress& said, const pass_in_work& of,
                                                 time_point now) {
  const double done = std::clamp(*said.pass_fraction, 0.0, 1.0);
  if (done >= 1)
    return 0;
  if (said.remaining)
    return sane_seconds(*said.remaining);
  const double took = seconds_between(of.since, now);
  if (done <= of.done || took <= 0)
    return std::nullopt;
  return sane_seconds(took / (done - of.done) * (1 - done));
}

frame_course::frame_course(const domain::frame_progress& said, time_point now)
    : frame_(said.frame), began_(earlier_by(now, said.spent.value_or(0))), last_line_(began_) {}

void frame_course::note(const domain::frame_progress& said, time_point now) {
  if (said.fraction)
    fraction_ = std::clamp(*said.fraction, fraction_, 1.0);
  if (said.pass_fraction && !rendered_) {
    const double done = std::clamp(*said.pass_fraction, 0.0, 1.0);
    if (!pass_ || pass_->number != said.pass || done < pass_->done)
      pass_ = pass_in_work{.number = said.pass, .began = last_line_, .since = now, .done = done};
    if (const auto rest = rest_of_pass(said, *pass_, now)) {
      const double span = seconds_between(pass_->began, now);
      const double passes_to_come = std::max(0, said.passes - 1 - said.pass);
      stated_ =
          statement{now, sane_seconds(*rest + passes_to_come * (span + *rest)), fraction_, kind_of(said)};
      if (earlier_.empty() ||
          statement_errors::part_of(earlier_.back().fraction) < statement_errors::part_of(fraction_))
        earlier_.push_back(*stated_);
      if (stated_->rest <= 0)
        rendered_ = now;
    }
  }
  last_line_ = std::max(last_line_, now);
}

std::optional<frame_statement> frame_course::stated(time_point from, double age) const {
  if (!stated_)
    return std::nullopt;
  const auto& [when, rest, fraction, kind] = *stated_;
  return frame_statement{
      .age = std::min(seconds_between(from, when), age), .rest = rest, .fraction = fraction, .kind = kind};
}

void frame_course::teach(frame_timing& timing, time_point closed) const {
  for (const auto& one : earlier_)
    timing.statements().note(one.fraction, one.rest, seconds_between(one.when, rendered_.value_or(closed)));
  if (rendered_)
    timing.ending_was(seconds_between(*rendered_, closed), seconds_between(began_, *rendered_));
}

} // namespace kiln::policy
