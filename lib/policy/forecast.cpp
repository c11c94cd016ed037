// SPDX-License-Identifier: Apache-2.0
#include "policy/forecast.hpp"

#include "policy/seconds.hpp"

#include <algorithm>

namespace kiln::policy {

forecast::forecast(const domain::frame_set& frames, const std::map<int, double>& seconds, double loading)
    : loading_(sane_seconds(loading)) {
  double sum = 0;
  for (const auto& [frame, took] : seconds)
    sum += sane_seconds(took);
  const double mean = seconds.empty() ? 0 : sum / static_cast<double>(seconds.size());
  upto_.push_back(0);
  for (const int frame : frames) {
    const auto known = seconds.find(frame);
    upto_.push_back(upto_.back() + (known == seconds.end() ? mean : sane_seconds(known->second)));
  }
}

history forecast::at(std::size_t done) const noexcept {
  const auto last = upto_.size() - 1;
  const auto begin = std::min(done, last);
  const auto end = std::min(begin + 1, last);
  return {.done = loading_ + upto_[begin],
          .current = upto_[end] - upto_[begin],
          .after = upto_[last] - upto_[end]};
}

} // namespace kiln::policy
