// SPDX-License-Identifier: Apache-2.0
//
// Plays a recording on a clock of its own, through kilnd's log reader, session protocol and timeline: at each
// moment it knows what kilnd would have known.
#pragma once

#include "domain/attempt.hpp"
#include "executor/log_notes.hpp"
#include "policy/timeline.hpp"
#include "retry_sim/recording.hpp"

#include <cstddef>
#include <optional>

namespace kiln::retry_sim {

class replay {
public:
  /// `of` outlives it. `past`: seconds of each frame in an earlier run, where one is to be known.
  explicit replay(const recording& of, const std::optional<trace>& past = {});
  replay(const replay&) = delete;
  replay& operator=(const replay&) = delete;

  /// Takes in all that has happened up to `seconds` since the job was created. Time does not go back.
  void advance_to(double seconds);

  [[nodiscard]] policy::progress standing() const;
  [[nodiscard]] std::optional<policy::estimate> time_left() const;
  [[nodiscard]] double progress() const; ///< as GET shows it, 0 to 1
  [[nodiscard]] int retry_after(double random) const;
  [[nodiscard]] int frames_done() const noexcept { return static_cast<int>(done_.size()); }
  [[nodiscard]] const policy::timeline& timeline() const noexcept { return timeline_; }

private:
  [[nodiscard]] policy::timeline::time_point moment(double seconds) const;
  void take(const recorded_event& event);
  void on_progress(const domain::frame_progress& said);

  const recording& of_;
  domain::attempt_facts facts_;
  executor::log_notes notes_;
  policy::timeline timeline_;
  domain::frame_set done_;
  std::size_t next_ = 0; ///< of the events
  double now_ = 0;
};

} // namespace kiln::retry_sim
