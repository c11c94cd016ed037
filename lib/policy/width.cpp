// SPDX-License-Identifier: Apache-2.0
#include "policy/width.hpp"

#include <algorithm>
#include <cmath>

namespace kiln::policy {
namespace {

constexpr double worth = 1.04;     // required speedup of a wider one: other jobs could use its resources
constexpr double least_time = 1;   // seconds of a measurement: shorter ones are mostly chance
constexpr int frames_each = 3;     // frames of each Blender in a measurement
constexpr double much_worse = 0.5; // frames come in bursts, so a short measurement can mislead
constexpr double bearable = 15;    // minimum ratio of remaining time to the cost of a try

} // namespace

void width_search::measure_from(double now) noexcept {
  from_ = now;
  frames_ = 0;
}

void width_search::frame_done(double now, std::size_t active, std::size_t left, std::size_t most) noexcept {
  if (!std::isfinite(now) || active != wanted_) { // some are still starting, or ending
    from_.reset();
    skip_ = static_cast<int>(wanted_);
    return;
  }
  if (skip_ > 0) { // partly rendered at another width
    --skip_;
    return;
  }
  if (!from_)
    return measure_from(now);
  ++frames_;
  const double took = now - *from_;
  if (took < least_time)
    return;
  const double rate = frames_ / took;
  const int each = frames_ / static_cast<int>(wanted_);
  const bool is_clearly_worse = wanted_ != best_ && each >= 1 && rate < much_worse * best_rate_;
  if (each < frames_each && !is_clearly_worse)
    return;
  measure_from(now);
  judge(rate, left, most);
}

void width_search::judge(double rate, std::size_t left, std::size_t most) noexcept {
  if (wanted_ == best_) {
    best_rate_ = rate; // frames differ: the current rate counts
  } else if (rate >= best_rate_ * worth) {
    best_ = wanted_;
    best_rate_ = rate;
  } else { // no faster than before
    cap_ = std::max(best_, wanted_ - 1);
    wanted_ = best_;
    if (*cap_ <= best_ + 1)
      cap_ = best_;
    skip_ = static_cast<int>(wanted_);
    from_.reset();
    return;
  }
  const auto bound = std::min(most, cap_.value_or(most));
  const auto next = std::min({bound, wanted_ + std::max<std::size_t>(1, wanted_ / 2), left});
  // The cost of a try must be small compared with the remaining work.
  const double rest = static_cast<double>(left) / rate;
  if (next > wanted_ && rest > bearable * std::max(loading_, 0.3)) {
    wanted_ = next;
    skip_ = static_cast<int>(wanted_);
    from_.reset();
  }
}

void width_search::no_room(std::size_t active) noexcept {
  wanted_ = best_ = std::max<std::size_t>(1, std::min(active, wanted_));
  cap_ = wanted_;
}

std::size_t piece_size(double seconds_per_frame, std::size_t left, std::size_t width) noexcept {
  constexpr double worth_asking = 0.1; // seconds of rendering
  const auto share = std::max<std::size_t>(1, left / (4 * std::max<std::size_t>(width, 1)));
  if (!(seconds_per_frame > 0))
    return 1;
  const double wanted = std::ceil(worth_asking / seconds_per_frame);
  return wanted < static_cast<double>(share) ? static_cast<std::size_t>(wanted) : share;
}

int threads_of(std::size_t width, std::size_t cores) noexcept {
  const auto each = std::max<std::size_t>(width, 1);
  return static_cast<int>(std::max<std::size_t>(1, (cores + each - 1) / each));
}

} // namespace kiln::policy
