// SPDX-License-Identifier: Apache-2.0
#include "domain/frame_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace kiln::domain {
namespace {

constexpr std::size_t max_terms = 1000;
constexpr long max_named = 4L * (max_frame + 1); // bounds the work when ranges overlap on purpose

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// Digits only: no sign, no spaces, nothing behind.
std::optional<int> parse_number(std::string_view text) {
  int value = 0;
  const auto* end = text.data() + text.size();
  const auto [ptr, ec] = std::from_chars(text.data(), end, value);
  if (text.empty() || text.front() == '-' || ec != std::errc{} || ptr != end)
    return std::nullopt;
  return value;
}

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
    const auto frame = parse_number(text);
    if (!frame)
      return bad_term(text, "is not a frame number, a range \"1-10\" or a stepped range \"1-10x2\"");
    return term{*frame, *frame, 1};
  }
  const auto cross = text.find('x', dash);
  const auto first = parse_number(text.substr(0, dash));
  const auto last =
      parse_number(text.substr(dash + 1, cross == std::string_view::npos ? cross : cross - dash - 1));
  const auto step = cross == std::string_view::npos ? std::optional{1} : parse_number(text.substr(cross + 1));
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

result<frame_set> frame_set::parse(std::string_view text) {
  std::vector<bool> wanted; // one bit a frame bounds the memory, however often the ranges overlap
  std::size_t terms = 0;
  long named = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    const auto piece = trim(text.substr(at, comma - at));
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

/// Frames come in their order, the same one perhaps twice.
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

std::string format_frame_set(const frame_set& frames) {
  const std::vector<int> all(frames.begin(), frames.end());
  std::string out;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t j = i; // the end of the longest run of one step that starts here
    if (i + 1 < all.size())
      while (j + 1 < all.size() && all[j + 1] - all[j] == all[i + 1] - all[i])
        ++j;
    if (!out.empty())
      out += ',';
    if (j - i >= 2) {
      const int step = all[i + 1] - all[i];
      fmt::format_to(std::back_inserter(out), "{}-{}", all[i], all[j]);
      if (step != 1)
        fmt::format_to(std::back_inserter(out), "x{}", step);
      i = j + 1;
    } else {
      fmt::format_to(std::back_inserter(out), "{}", all[i]);
      ++i;
    }
  }
  return out;
}

} // namespace kiln::domain
