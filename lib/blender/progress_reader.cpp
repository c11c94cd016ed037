// SPDX-License-Identifier: Apache-2.0
#include "blender/progress_reader.hpp"

#include "blender/line_text.hpp"
#include "domain/frame_set.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace kiln::blender {
namespace {

constexpr int most_passes = 1000; ///< far more than view layers times eyes of any scene

void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

/// Removes and returns a number at the front of `text`.
template<class Number>
std::optional<Number> take_number(std::string_view& text) {
  skip_spaces(text);
  Number value{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

struct part {
  int done = 0;
  int total = 1;
  [[nodiscard]] double fraction() const noexcept { return static_cast<double>(done) / total; }
};

/// "94/512" or "26 / 64" after `mark`.
std::optional<part> part_behind(std::string_view line, std::string_view mark) {
  auto rest = behind(line, mark);
  if (!rest)
    return std::nullopt;
  const auto done = take_number<int>(*rest);
  skip_spaces(*rest);
  if (!done || !rest->starts_with('/'))
    return std::nullopt;
  rest->remove_prefix(1);
  const auto total = take_number<int>(*rest);
  if (!total || *done < 0 || *total <= 0 || *done > *total)
    return std::nullopt;
  return part{*done, *total};
}

/// "01:13.73" or "1:01:13.73" after `mark`, in seconds. Blender writes a point in every locale.
std::optional<double> time_behind(std::string_view line, std::string_view mark) {
  constexpr double longest = 1e9;
  auto rest = behind(line, mark);
  if (!rest)
    return std::nullopt;
  skip_spaces(*rest);
  double seconds = 0;
  for (int parts = 0; parts < 3; ++parts) {
    if (rest->empty() || rest->front() < '0' || rest->front() > '9') // no sign, no "inf"
      return std::nullopt;
    const auto value = take_number<double>(*rest);
    if (!value || !std::isfinite(*value))
      return std::nullopt;
    seconds = 60 * seconds + *value;
    if (!rest->starts_with(':'))
      return parts > 0 && seconds <= longest ? std::optional{seconds} : std::nullopt;
    rest->remove_prefix(1);
  }
  return std::nullopt;
}

/// The part of a line with Blender's activity, after the last bar. Names of objects can contain anything:
/// before one, Cycles prints "Synchronizing object".
std::string_view activity_of(std::string_view line) {
  const auto bar = line.rfind('|');
  if (line.find("Synchronizing object") != std::string_view::npos)
    return {};
  return bar == std::string_view::npos ? line : line.substr(bar + 1);
}

std::optional<part> find_samples(std::string_view activity) {
  const auto samples = part_behind(activity, "Sample ");
  if (!samples && activity.find(" samples") != std::string_view::npos)
    return part_behind(activity, "Rendering ");
  return samples;
}

struct done_of_pass {
  double fraction = 0;
  bool by_tiles = false; ///< samples are those of one of several tiles, and go back from one to the next
  int tiles = 0;
};

/// The completed part of the pass, from its samples, and from its tiles if any.
std::optional<done_of_pass> find_fraction(std::string_view activity, const std::optional<part>& samples) {
  const double of_tile = samples ? samples->fraction() : 0;
  // The last sample of a tile is printed before and after the tile is counted.
  if (const auto tiles = part_behind(activity, "Rendered "))
    return done_of_pass{std::min(1.0, (tiles->done + (of_tile < 1 ? of_tile : 0)) / tiles->total), true,
                        tiles->total};
  if (const auto tiles = part_behind(activity, "Tile "); tiles && tiles->done > 0)
    return done_of_pass{(tiles->done - 1 + of_tile) / tiles->total, true, tiles->total};
  if (samples)
    return done_of_pass{of_tile};
  return std::nullopt;
}

} // namespace

std::optional<int> frame_in(std::string_view line) {
  for (const std::string_view mark : {"Fra:", "Rendering frame "})
    if (auto rest = behind(line, mark)) {
      const auto frame = take_number<int>(*rest);
      if (frame && *frame >= domain::min_frame && *frame <= domain::max_frame)
        return frame;
    }
  return std::nullopt;
}

void progress_reader::expect_passes(int passes) noexcept {
  if (!frame_)
    passes_ = std::clamp(passes, 1, most_passes);
}

void progress_reader::begin_frame(int frame) noexcept {
  if (frame_ && of_frame_ > 0)
    passes_ = pass_ + 1; // the previous frame had as many
  frame_ = frame;
  pass_ = 0;
  of_pass_ = of_frame_ = 0;
  pass_is_over_ = false;
}

/// A pass is over when Cycles says so, or when samples start again from the beginning.
void progress_reader::advance(double pass_fraction, bool by_tiles) noexcept {
  constexpr double one_tile = 0.34; // tiles that render at once report their samples in any order
  const bool goes_back = pass_fraction < of_pass_ - (by_tiles ? one_tile : 1e-9);
  if (pass_fraction > 0 && (pass_is_over_ || goes_back)) {
    pass_ = std::min(pass_ + 1, most_passes - 1);
    passes_ = std::max(passes_, pass_ + 1);
    of_pass_ = 0;
    pass_is_over_ = false;
  }
  of_pass_ = std::max(of_pass_, pass_fraction);
  of_frame_ = std::max(of_frame_, (pass_ + of_pass_) / passes_);
}

std::optional<domain::frame_progress> progress_reader::feed(std::string_view line) {
  const auto named = frame_in(line);
  if (named && named != frame_)
    begin_frame(*named);
  const auto activity = activity_of(line);
  const auto samples = find_samples(activity);
  const auto done = find_fraction(activity, samples);
  if (!frame_ || (!named && !done))
    return std::nullopt;
  if (done)
    advance(done->fraction, done->by_tiles);
  if (of_pass_ > 0 && activity.find("Finished") != std::string_view::npos) {
    advance(1, false);
    pass_is_over_ = true;
  }
  domain::frame_progress now{.frame = *frame_};
  if (done || pass_is_over_) {
    now.fraction = of_frame_;
    now.pass_fraction = of_pass_;
    now.by_tiles = done && done->by_tiles && done->tiles > 1;
  }
  if (samples) {
    now.sample = samples->done;
    now.samples = samples->total;
  }
  now.pass = pass_;
  now.passes = passes_;
  now.may_end_early = may_end_early_;
  now.remaining = time_behind(line, "Remaining:");
  now.spent = time_behind(line, "| Time:");
  return now;
}

} // namespace kiln::blender
