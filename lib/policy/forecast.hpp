// SPDX-License-Identifier: Apache-2.0
//
// The likely duration of an attempt, from earlier times of the same frames: pure.
#pragma once

#include "domain/frame_set.hpp"
#include "policy/estimate.hpp"

#include <map>
#include <vector>

namespace kiln::policy {

class forecast {
public:
  /// `seconds`: by frame, of an earlier run, at least one; missing frames count as their mean. `loading`:
  /// seconds before the first frame.
  forecast(const domain::frame_set& frames, const std::map<int, double>& seconds, double loading);

  /// Total seconds.
  [[nodiscard]] double total() const noexcept { return loading_ + upto_.back(); }

  /// The input of the estimate after `done` frames.
  [[nodiscard]] history at(std::size_t done) const noexcept;

private:
  double loading_;
  std::vector<double> upto_; ///< [i]: seconds of the first i frames
};

} // namespace kiln::policy
