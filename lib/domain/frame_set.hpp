// SPDX-License-Identifier: Apache-2.0
//
// The frames a job is asked for: "1-10x2,15" and the like. Always sorted, without duplicates.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kiln::domain {

/// The range of Blender's frame numbers that Kiln accepts. Negative numbers cannot be passed as arguments: to
/// Blender, `-s -5` means "5 before the scene's start". 1048574 is Blender's MAXFRAME.
inline constexpr int min_frame = 0;
inline constexpr int max_frame = 1'048'574;

class frame_set {
public:
  frame_set() = default;

  /// All of first, first+step, … up to last. invalid_input if out of range, first > last, or step < 1.
  [[nodiscard]] static result<frame_set> range(int first, int last, int step = 1);

  static constexpr std::size_t usual_terms = 1000;

  /// `TERM[,TERM…]`, TERM = `N`, `N-M` or `N-MxS`; spaces around terms are allowed. Overlaps are merged.
  /// invalid_input (naming the wrong term) on anything else, on more than `max_terms`, or if a term contains
  /// no frame.
  [[nodiscard]] static result<frame_set> parse(std::string_view text, std::size_t max_terms = usual_terms);

  /// The set of any frames, sorted, without duplicates. Throws if one is not in [min_frame, max_frame].
  [[nodiscard]] static frame_set of(std::vector<int> frames);

  /// Iterates over the frames in ascending order.
  class iterator {
  public:
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag; // it yields values
    using iterator_concept = std::forward_iterator_tag;
    using pointer = void;
    using reference = int;

    iterator() = default;
    int operator*() const noexcept { return run_->first + offset_; }
    iterator& operator++() noexcept;
    iterator operator++(int) noexcept;
    friend bool operator==(const iterator&, const iterator&) = default;

  private:
    friend class frame_set;
    explicit iterator(const std::pair<int, int>* run) noexcept : run_(run) {}
    const std::pair<int, int>* run_ = nullptr;
    int offset_ = 0; ///< from the first frame of the run
  };

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return runs_.empty(); }
  [[nodiscard]] bool contains(int frame) const noexcept;
  [[nodiscard]] int front() const { return runs_.front().first; }
  [[nodiscard]] int back() const { return runs_.back().second; }
  [[nodiscard]] iterator begin() const noexcept { return iterator{runs_.data()}; }
  [[nodiscard]] iterator end() const noexcept { return iterator{runs_.data() + runs_.size()}; }

  /// Adds one frame of [min_frame, max_frame]; cheap if frames come roughly in ascending order.
  void add(int frame);

  /// Frames of this one that are not in `other`.
  [[nodiscard]] frame_set without(const frame_set& other) const;

  /// first, first+step, … last.
  struct progression {
    int first = 0;
    int last = 0;
    int step = 1;
  };
  /// The set as progressions, longest first come, in the order of their first frames; at most `limit`.
  [[nodiscard]] std::vector<progression> progressions(std::size_t limit = static_cast<std::size_t>(-1)) const;

  friend bool operator==(const frame_set&, const frame_set&) = default;

private:
  void append(int frame);

  /// First and last of each longest run of neighbours: a job's 100,000 frames are one pair.
  std::vector<std::pair<int, int>> runs_;
};

/// A short notation such that parse(format_frame_set(s)) == s: runs of three or more become ranges.
[[nodiscard]] std::string format_frame_set(const frame_set& frames);

} // namespace kiln::domain
