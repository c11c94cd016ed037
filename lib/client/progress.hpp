// SPDX-License-Identifier: Apache-2.0
//
// What is said of a job while it is watched: pure.
#pragma once

#include "client/job_view.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kiln::client {

/// "45 s", "12 min", "3 h 20 min".
[[nodiscard]] std::string format_time_left(double seconds);

/// What is left of a job, with its range if that says more: "12 min to 15 min left", "about 12 min left".
/// Empty if it is not known.
[[nodiscard]] std::string format_left(const job_view& job);

/// A line that is replaced by the next, within so many columns: "running  frame 12 (3/64 samples)  11/250
/// done 4 %  12 min to 15 min left  1.2 frames/min". What matters least is left out first.
[[nodiscard]] std::string live_line(const job_view& job, std::optional<double> frames_per_second,
                                    std::size_t columns);

/// Lines that stay: a change of state, each warning once, and, where there is no live line, each tenth of the
/// frames and each minute.
class progress_lines {
public:
  /// `regular`: whether lines for each tenth and minute are wanted.
  explicit progress_lines(bool regular) : regular_(regular) {}

  /// `now`: seconds of a clock that only goes forward.
  [[nodiscard]] std::vector<std::string> next(const job_view& job, double now);

  /// The line of a minute in which nothing else was said; nullopt before it is over.
  [[nodiscard]] std::optional<std::string> reminder(double now);

private:
  bool regular_;
  job_view last_;
  double said_ = 0;
  std::string state_, waits_for_;
  std::size_t warnings_ = 0;
  std::int64_t tenth_ = 0;
};

/// The last line of a final job.
[[nodiscard]] std::string format_end(const job_view& job);

} // namespace kiln::client
