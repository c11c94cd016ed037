// SPDX-License-Identifier: Apache-2.0
#include "domain/frame_set.hpp"

#include "base/number.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace kiln::domain {
namespace {

constexpr long max_named = 4L * (max_frame + 1); // bounds the work when ranges overlap on purpose

error bad_term(std::string_view term, std::string_view why) {
  constexpr std::size_t shown = 40;
  return {errc::invalid_input,
          fmt::format("frames: \"{}{}\" {}", term.substr(0, shown), term.size() > shown ? "…" : "", why)};
}

struct term {
  int first;
  int last;
  int step;
};

result<term> parse_term(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) {
    const auto frame = parse_number<int>(text);
    if (!frame)
      return bad_term(text, "is not a frame number, a range \"1-10\" or a stepped range \"1-10x2\"");
    return term{*frame, *frame, 1};
  }
  const auto cross = text.find('x', dash);
  const auto first = parse_number<int>(text.substr(0, dash));
  const auto last =
      parse_number<int>(text.substr(dash + 1, cross == std::string_view::npos ? cross : cross - dash - 1));
  const auto step =
      cross == std::string_view::npos ? std::optional{1} : parse_number<int>(text.substr(cross + 1));
  if (!first || !last || !step)
    return bad_term(text, "is not a range of frames such as \"1-10\" or \"1-10x2\"");
  return term{*first, *last, *step};
}

} // namespace

result<frame_set> frame_set::range(int first, int last, int step) {
  if (first < min_frame || last > max_frame)
    return error{errc::invalid_input, fmt::format("frames must lie between {} and {}", min_frame, max_frame)};
  if (first > last)
    return error{errc::invalid_input,
                 fmt::format("the first frame ({}) is after the last ({})", first, last)};
  if (step < 1)
    return error{errc::invalid_input, "the step between frames must be 1 or more"};
  frame_set set;
  if (step == 1)
    set.runs_.emplace_back(first, last);
  else
    for (int frame = first; frame <= last; frame += std::min(step, max_frame + 1))
      set.append(frame);
  return set;
}

result<frame_set> frame_set::parse(std::string_view text, std::size_t max_terms) {
  std::vector<bool> wanted; // one bit a frame bounds the memory, however often the ranges overlap
  std::size_t terms = 0;
  long named = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    const auto piece = trimmed(text.substr(at, comma - at), " ");
    at = comma + 1;
    if (++terms > max_terms)
      return error{errc::invalid_input, fmt::format("frames: more than {} terms", max_terms)};
    const auto parsed = parse_term(piece);
    if (!parsed)
      return parsed.error();
    const auto [first, last, step] = *parsed;
    if (last > max_frame || first > max_frame)
      return bad_term(piece, fmt::format("goes past frame {}", max_frame));
    if (first > last)
      return bad_term(piece, "ends before it starts");
    if (step < 1)
      return bad_term(piece, "has a step below 1");
    named += (last - first) / step + 1;
    if (named > max_named)
      return error{errc::invalid_input, "frames: the ranges name the same frames too many times over"};
    if (wanted.size() <= static_cast<std::size_t>(last))
      wanted.resize(static_cast<std::size_t>(last) + 1);
    for (long frame = first; frame <= last; frame += step)
      wanted[static_cast<std::size_t>(frame)] = true;
  }
  frame_set set;
  for (std::size_t frame = 0; frame < wanted.size(); ++frame)
    if (wanted[frame])
      set.append(static_cast<int>(frame));
  return set;
}

frame_set frame_set::of(std::vector<int> frames) {
  std::ranges::sort(frames);
  if (!frames.empty() && (frames.front() < min_frame || frames.back() > max_frame))
    throw std::out_of_range("frame_set::of: frame out of range");
  frame_set set;
  for (const int frame : frames)
    set.append(frame);
  return set;
}

/// Frames must come in ascending order; the same one may come twice.
void frame_set::append(int frame) {
  if (!runs_.empty() && frame <= runs_.back().second + 1)
    runs_.back().second = frame;
  else
    runs_.emplace_back(frame, frame);
}

std::size_t frame_set::size() const noexcept {
  std::size_t count = 0;
  for (const auto& [first, last] : runs_)
    count += static_cast<std::size_t>(last - first) + 1;
  return count;
}

bool frame_set::contains(int frame) const noexcept {
  const auto after = std::ranges::upper_bound(runs_, frame, {}, &std::pair<int, int>::first);
  return after != runs_.begin() && frame <= std::prev(after)->second;
}

frame_set::iterator& frame_set::iterator::operator++() noexcept {
  if (run_->first + offset_ < run_->second) {
    ++offset_;
  } else {
    ++run_;
    offset_ = 0;
  }
  return *this;
}

frame_set::iterator frame_set::iterator::operator++(int) noexcept {
  const auto before = *this;
  ++*this;
  return before;
}

void frame_set::add(int frame) {
  auto after = std::ranges::upper_bound(runs_, frame, {}, &std::pair<int, int>::first);
  const bool joins_before = after != runs_.begin() && frame <= std::prev(after)->second + 1;
  const bool joins_after = after != runs_.end() && frame + 1 == after->first;
  if (joins_before) {
    auto& before = *std::prev(after);
    before.second = std::max(before.second, frame);
    if (joins_after) {
      before.second = after->second;
      runs_.erase(after);
    }
  } else if (joins_after) {
    after->first = frame;
  } else {
    runs_.emplace(after, frame, frame);
  }
}

frame_set frame_set::without(const frame_set& other) const {
  frame_set left;
  auto taken = other.runs_.begin();
  for (auto [first, last] : runs_) {
    while (taken != other.runs_.end() && taken->second < first)
      ++taken;
    for (auto t = taken; t != other.runs_.end() && t->first <= last && first <= last; ++t) {
      if (t->first > first)
        left.runs_.emplace_back(first, t->first - 1);
      first = t->second + 1;
    }
    if (first <= last)
      left.runs_.emplace_back(first, last);
  }
  return left;
}

std::vector<frame_set::progression> frame_set::progressions(std::size_t limit) const {
  std::vector<progression> out;
  for (auto at = begin(); at != end() && out.size() < limit;) {
    if (const auto* run = at.run_; *at + 1 < run->second) { // three neighbours or more: no need to walk them
      out.push_back({*at, run->second, 1});
      at = iterator{run + 1};
      continue;
    }
    auto next = std::next(at);
    if (next == end()) {
      out.push_back({*at, *at, 1});
      break;
    }
    const int step = *next - *at;
    auto last = next; // the end of the longest run of one step that starts here
    int count = 2;
    for (auto after = std::next(last); after != end() && *after - *last == step; ++after) {
      last = after;
      ++count;
    }
    if (count > 2) {
      out.push_back({*at, *last, step});
      at = std::next(last);
    } else {
      out.push_back({*at, *at, 1});
      at = next;
    }
  }
  return out;
}

std::string format_frame_set(const frame_set& frames) {
  std::string out;
  for (const auto& [first, last, step] : frames.progressions()) {
    if (!out.empty())
      out += ',';
    fmt::format_to(std::back_inserter(out), "{}", first);
    if (last != first)
      fmt::format_to(std::back_inserter(out), "-{}", last);
    if (step != 1)
      fmt::format_to(std::back_inserter(out), "x{}", step);
  }
  return out;
}

} // namespace kiln::domain
