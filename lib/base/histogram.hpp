// SPDX-License-Identifier: Apache-2.0
//
// A histogram with fixed bounds, for values measured many times a second.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kiln {

class histogram {
public:
  /// `bounds`: ascending; must outlive this object and its copies.
  explicit histogram(std::span<const double> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}

  void add(double value) noexcept {
    std::size_t at = 0;
    while (at < bounds_.size() && value > bounds_[at])
      ++at;
    ++counts_[at];
    sum_ += value;
  }

  [[nodiscard]] std::span<const double> bounds() const noexcept { return bounds_; }
  /// Counts of values above the previous bound up to this one, plus one count for values above all bounds.
  [[nodiscard]] const std::vector<std::uint64_t>& counts() const noexcept { return counts_; }
  [[nodiscard]] double sum() const noexcept { return sum_; }

private:
  std::span<const double> bounds_;
  std::vector<std::uint64_t> counts_;
  double sum_ = 0;
};

} // namespace kiln
