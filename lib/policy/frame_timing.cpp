// SPDX-License-Identifier: Apache-2.0
#include "policy/frame_timing.hpp"

#include "policy/seconds.hpp"

#include <algorithm>
#include <climits>
#include <cmath>

namespace kiln::policy {

void frame_timing::loaded(double seconds) noexcept {
  if (frames_ == 0)
    loading_ = sane_seconds(seconds);
}

void frame_timing::count(double seconds) noexcept {
  if (frames_ < INT_MAX)
    ++frames_;
  if (frames_ == 1)
    first_ = seconds;
}

void frame_timing::frame_done(double seconds) noexcept {
  if (frames_ > 0)
    return frame_rendered(seconds);
  if (loading_)
    return frame_rendered(sane_seconds(seconds) - *loading_);
  count(sane_seconds(seconds));
}

void frame_timing::frame_rendered(double seconds) noexcept {
  seconds = sane_seconds(seconds);
  count(seconds);
  last_[static_cast<std::size_t>(measured_) % window] = seconds;
  if (measured_ < INT_MAX)
    ++measured_;
  sum_ += seconds;
  constexpr double keep = 0.70710678; // half the weight after two frames
  recent_sum_ = keep * recent_sum_ + seconds;
  recent_weight_ = keep * recent_weight_ + 1;
}

void frame_timing::ending_was(double seconds, double rendering) noexcept {
  constexpr double keep = 0.7;
  endings_ = keep * endings_ + 1;
  ending_sum_ = keep * ending_sum_ + sane_seconds(seconds);
  rendering_sum_ = keep * rendering_sum_ + sane_seconds(rendering);
}

double frame_timing::ending(double rendering) const noexcept {
  if (endings_ <= 0)
    return 0;
  const double slower = sane_seconds(rendering) / std::max(rendering_sum_ / endings_, 1e-6);
  return ending_sum_ / endings_ * std::clamp(slower, 0.3, 3.0);
}

double frame_timing::mean() const noexcept {
  return measured_ > 0 ? sum_ / measured_ : 0;
}

double frame_timing::recent() const noexcept {
  return measured_ > 0 ? recent_sum_ / recent_weight_ : 0;
}

std::size_t frame_timing::remembered() const noexcept {
  return std::min(static_cast<std::size_t>(measured_), window);
}

double frame_timing::remembered(std::size_t i) const noexcept {
  return last_[(static_cast<std::size_t>(measured_) - remembered() + i) % window];
}

} // namespace kiln::policy
