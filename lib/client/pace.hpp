// SPDX-License-Identifier: Apache-2.0
//
// How fast the frames of a job are done, as its watcher sees it: pure.
#pragma once

#include "client/job_view.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace kiln::client {

class pace {
public:
  /// `now`: seconds of a clock that only goes forward.
  void add(const job_view& job, double now);

  /// Over the last frames. Nullopt: the job does not run, or fewer than two frames have been seen to end.
  [[nodiscard]] std::optional<double> frames_per_second() const;

private:
  std::deque<std::pair<double, std::int64_t>> ends_; ///< when so many were done
};

/// "2.5 frames/s", "12 frames/min", "3.1 frames/h".
[[nodiscard]] std::string format_pace(double frames_per_second);

} // namespace kiln::client
