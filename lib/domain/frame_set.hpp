// SPDX-License-Identifier: Apache-2.0
//
// The frames a job is asked for: "1-10x2,15" and the like. Always sorted, without duplicates.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::domain {

/// Blender's frame numbers as far as Kiln takes them: `-s -5` means "5 before the scene's start" to Blender,
/// so negative numbers cannot be asked for by arguments; 1048574 is Blender's MAXFRAME.
inline constexpr int min_frame = 0;
inline constexpr int max_frame = 1'048'574;

class frame_set {
public:
  frame_set() = default;

  /// All of first, first+step, … up to last. invalid_input if out of range, first > last, or step < 1.
  [[nodiscard]] static result<frame_set> range(int first, int last, int step = 1);

  /// `TERM[,TERM…]`, TERM = `N`, `N-M` or `N-MxS`; spaces around terms are allowed. Overlaps are merged.
  /// invalid_input (with the term that was wrong) on anything else, on more than 1000 terms, or when a term
  /// names no frame.
  [[nodiscard]] static result<frame_set> parse(std::string_view text);

  /// Of any frames; sorts and removes duplicates. Each must lie in [min_frame, max_frame] (throws otherwise).
  [[nodiscard]] static frame_set of(std::vector<int> frames);

  [[nodiscard]] std::size_t size() const noexcept { return frames_.size(); }
  [[nodiscard]] bool empty() const noexcept { return frames_.empty(); }
  [[nodiscard]] bool contains(int frame) const noexcept;
  [[nodiscard]] int front() const { return frames_.front(); }
  [[nodiscard]] int back() const { return frames_.back(); }
  [[nodiscard]] auto begin() const noexcept { return frames_.begin(); }
  [[nodiscard]] auto end() const noexcept { return frames_.end(); }

  friend bool operator==(const frame_set&, const frame_set&) = default;

private:
  std::vector<int> frames_;
};

/// The shortest usual writing, such that parse(format_frame_set(s)) == s: runs of three or more become
/// ranges.
[[nodiscard]] std::string format_frame_set(const frame_set& frames);

} // namespace kiln::domain
