// SPDX-License-Identifier: Apache-2.0
#include "access/bucket.hpp"

#include <algorithm>
#include <cmath>

namespace kiln::access {
namespace {

using duration = time_point::duration;
using real_seconds = std::chrono::duration<double>;

duration time_for(double requests, const rate& limit) noexcept {
  return std::chrono::duration_cast<duration>(real_seconds{requests / limit.per_second});
}

double in_seconds(duration d) noexcept {
  return std::max(0.0, real_seconds{d}.count());
}

} // namespace

allowance bucket::take(const rate& limit, time_point now) noexcept {
  const auto whole = time_for(limit.burst, limit);
  const auto one = time_for(1, limit);
  const auto after = std::max(full_at_, now) + one;
  allowance left;
  left.allowed = after - now <= whole;
  if (left.allowed)
    full_at_ = after;
  const auto missing = full_at_ - now;
  left.remaining =
      static_cast<std::int64_t>(std::floor(in_seconds(whole - missing) * limit.per_second + 1e-6));
  left.wait = left.remaining > 0 ? 0 : in_seconds(missing + one - whole);
  left.full_in = in_seconds(missing);
  return left;
}

allowance bucket_table::take(std::uint64_t who, time_point now) {
  const auto known = places_.find(who);
  if (known != places_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
  } else {
    make_room(now);
    entries_.push_front({who, {}});
    places_.emplace(who, entries_.begin());
  }
  return entries_.front().of.take(limit_, now);
}

void bucket_table::make_room(time_point now) {
  const auto forget_last = [&] {
    places_.erase(entries_.back().who);
    entries_.pop_back();
  };
  if (entries_.size() >= most_)
    forget_last();
  // Full buckets need not be kept: remove two for each new one, so that the table shrinks after a rush.
  for (int i = 0; i < 2 && !entries_.empty() && entries_.back().of.is_full(now); ++i)
    forget_last();
}

} // namespace kiln::access
