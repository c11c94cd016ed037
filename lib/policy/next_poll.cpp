// SPDX-License-Identifier: Apache-2.0
#include "policy/next_poll.hpp"

#include "policy/seconds.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace kiln::policy {
namespace {

/// A moment at which a client may poll.
struct moment {
  double after = 0; ///< seconds from now
  double ended = 0; ///< probability that the job has ended by then
  double stale = 0; ///< seconds since the end, 0 for a job that has not ended: the mean
};

/// The lognormal distribution of the remaining seconds.
class distribution {
public:
  explicit distribution(const estimate& left) {
    constexpr double sharpest = 1e-3;
    mean_ = std::max(left.likely, shortest);
    sigma_ = std::max(std::sqrt(std::log1p((left.spread / mean_) * (left.spread / mean_))), sharpest);
    mu_ = std::log(mean_) - sigma_ * sigma_ / 2;
  }

  [[nodiscard]] double at(double z) const { return std::exp(mu_ + z * sigma_); }
  [[nodiscard]] moment after(double seconds) const {
    if (seconds <= 0)
      return {};
    const double z = (std::log(seconds) - mu_) / sigma_;
    const double ended = below(z);
    return {seconds, ended, std::max(0.0, seconds * ended - mean_ * below(z - sigma_))};
  }

private:
  static double below(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

  double mean_ = 0, mu_ = 0, sigma_ = 0;
};

/// Staleness at `to` of a job that has ended after `from`, times the probability of that.
double staleness(const moment& from, const moment& to) {
  return std::max(0.0, to.stale - from.stale - from.ended * (to.after - from.after));
}

} // namespace

double worth_of_a_poll(double length) noexcept {
  return std::max(1.0, length / 100);
}

double cheapest_wait(const estimate& left, double elapsed) noexcept {
  constexpr std::size_t moments = 40;
  constexpr double widest = 3; // standard deviations within which the end is searched
  // A poll yields more information than this distribution has: this part of the later cost remains.
  constexpr double later = 0.6;
  // Staleness beyond this counts twice.
  constexpr double bearable = 2, bearable_share = 0.1; // seconds, of the job's time

  const double unit = worth_of_a_poll(elapsed + left.likely);
  const distribution end(left);
  // More frequent polls find nothing new: the root comes from the optimal intervals around an unknown end
  // (Keller 1974), except for their factor.
  const double nearest = std::sqrt(unit * left.spread);
  const double first = std::max({1.0, std::floor(end.at(-widest)), std::round(nearest)});
  const double step = std::max(1.0, std::ceil((end.at(widest) - first) / moments));
  std::array<moment, moments + 2> at{}; // the first one is now
  std::array<moment, moments + 2> bearable_at{};
  for (std::size_t i = 1; i < at.size(); ++i) {
    at[i] = end.after(first + static_cast<double>(i - 1) * step);
    bearable_at[i] = end.after(at[i].after - std::max(bearable, bearable_share * (elapsed + at[i].after)));
  }
  // From the last moment backwards: the cost of the polls after each one, times the probability that they are
  // needed.
  std::array<double, moments + 2> cost{};
  std::size_t next = at.size() - 1;
  for (std::size_t from = at.size() - 1; from-- > 0;) {
    const double runs = 1 - at[from].ended;
    cost[from] = HUGE_VAL;
    for (std::size_t to = from + 1; to < at.size(); ++to) {
      double with = runs + staleness(at[from], at[to]) / unit;
      if (bearable_at[to].after > at[from].after)
        with += staleness(at[from], bearable_at[to]) / unit;
      if (to + 1 < at.size()) {
        const double another = 1 - at[to].ended;
        with += another + later * std::max(0.0, cost[to] - another);
      }
      if (with < cost[from]) {
        cost[from] = with;
        next = to;
      }
    }
  }
  return at[next].after;
}

} // namespace kiln::policy
