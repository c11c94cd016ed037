// SPDX-License-Identifier: Apache-2.0
//
// What is said of a job while it is watched: pure.
#pragma once

#include "client/job_view.hpp"

#include <string>
#include <vector>

namespace kiln::client {

/// "45 s", "12 min", "3 h 20 min".
[[nodiscard]] std::string format_time_left(double seconds);

/// A line that is replaced by the next: "running  frame 12  11/250  4 %  about 12 min left".
[[nodiscard]] std::string live_line(const job_view& job);

/// Lines that stay: a change of state, each warning once, and each tenth of the frames.
class progress_lines {
public:
  /// `tenths`: whether lines for each tenth are wanted.
  explicit progress_lines(bool tenths) : tenths_(tenths) {}

  [[nodiscard]] std::vector<std::string> next(const job_view& job);

private:
  bool tenths_;
  std::string state_, waits_for_;
  std::size_t warnings_ = 0;
  std::int64_t tenth_ = 0;
};

/// The last line of a final job.
[[nodiscard]] std::string format_end(const job_view& job);

} // namespace kiln::client
