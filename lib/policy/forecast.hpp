// SPDX-License-Identifier: Apache-2.0
//
// What an attempt is likely to take, from what the same frames took earlier: pure.
#pragma once

#include "domain/frame_set.hpp"
#include "policy/estimate.hpp"

#include <map>
#include <vector>

namespace kiln::policy {

class forecast {
public:
  /// `seconds`: by frame, of an earlier run, at least one; frames that are not in it count as their mean.
  /// `loading`: seconds before the first frame.
  forecast(const domain::frame_set& frames, const std::map<int, double>& seconds, double loading);

  /// Seconds of all of it.
  [[nodiscard]] double total() const noexcept { return loading_ + upto_.back(); }

  /// As the estimate wants it, when `done` of the frames are done.
  [[nodiscard]] history at(std::size_t done) const noexcept;

private:
  double loading_;
  std::vector<double> upto_; ///< [i]: seconds of the first i frames
};

} // namespace kiln::policy
