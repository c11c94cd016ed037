// SPDX-License-Identifier: Apache-2.0
#include "blender/log_reader.hpp"

#include "domain/frame_set.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace kiln::blender {
namespace {

using domain::failure;
using domain::failure_kind;

struct cause {
  std::string_view text; ///< somewhere in the line
  failure_kind kind;
  std::string_view advice; ///< what it means and what to do
};

// Printed by Blender 2.8 to 5.x; the first that fits counts.
constexpr std::array causes{
    cause{"No space left on device", failure_kind::disk_full, "the disk is full"},
    cause{"Disk quota exceeded", failure_kind::disk_full, "the disk quota is used up"},
    cause{"Cannot render, no camera", failure_kind::no_camera, "the scene has no camera: add one"},
    cause{"engine not found", failure_kind::engine_unavailable, "this Blender has no such render engine"},
    cause{"Build without OpenImageDenoiser", failure_kind::denoiser_unavailable,
          "the scene asks for a denoiser that this build of Blender lacks: turn denoising off in the .blend"},
    cause{"Cannot read file", failure_kind::blend_unreadable, "the .blend cannot be read"},
    cause{"File format is not supported", failure_kind::blend_unreadable,
          "this is not a .blend that this Blender knows"},
    cause{"Failed to read blend file", failure_kind::blend_unreadable, "the .blend is broken"},
    cause{"Append frame ", failure_kind::movie_output,
          "the .blend writes a movie: choose an image format, and join the frames afterwards"},
    cause{"Cannot open file for writing", failure_kind::output_unwritable, "a frame cannot be written"},
    cause{"cannot save:", failure_kind::output_unwritable, "a frame cannot be written"},
    cause{"alloc returns null", failure_kind::out_of_memory, "there was not enough memory"},
    cause{"CUDA error: Out of memory", failure_kind::out_of_memory, "the GPU ran out of memory"},
    cause{"System is out of GPU", failure_kind::out_of_memory, "GPU and shared memory ran out"},
    cause{"std::bad_alloc", failure_kind::out_of_memory, "there was not enough memory"},
    cause{"Cannot find lib", failure_kind::missing_files, "a linked library is missing"},
    cause{"linked data-blocks are missing", failure_kind::missing_files, "linked data is missing"},
};

/// Printable and short, whatever the line holds: it goes to answers and logs.
std::string quotable(std::string_view line) {
  constexpr std::size_t shown = 200;
  std::string text{line.substr(0, shown)};
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  if (line.size() > shown)
    text += "...";
  return text;
}

std::optional<failure> find_cause(std::string_view line) {
  const auto found = std::ranges::find_if(
      causes, [&](const cause& c) { return line.find(c.text) != std::string_view::npos; });
  if (found == causes.end())
    return std::nullopt;
  return failure{.kind = found->kind,
                 .message = std::string{found->advice} + " (Blender: " + quotable(line) + ")"};
}

void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

/// A number at the front of `text`, which is then taken away.
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

std::optional<std::string_view> behind(std::string_view line, std::string_view mark) {
  const auto at = line.find(mark);
  if (at == std::string_view::npos)
    return std::nullopt;
  return line.substr(at + mark.size());
}

struct part {
  int done = 0;
  int total = 1;
  [[nodiscard]] double fraction() const noexcept { return static_cast<double>(done) / total; }
};

/// "94/512" or "26 / 64" behind `mark`.
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

std::optional<part> find_samples(std::string_view line) {
  const auto samples = part_behind(line, "Sample ");
  if (!samples && line.find(" samples") != std::string_view::npos)
    return part_behind(line, "Rendering ");
  return samples;
}

/// How much of the frame is done, by its samples, and by its tiles where it has some.
std::optional<double> find_fraction(std::string_view line, const std::optional<part>& samples) {
  const double of_tile = samples ? samples->fraction() : 0;
  if (const auto tiles = part_behind(line, "Rendered "))
    return std::min(1.0, (tiles->done + of_tile) / tiles->total);
  if (const auto tiles = part_behind(line, "Tile "); tiles && tiles->done > 0)
    return (tiles->done - 1 + of_tile) / tiles->total;
  if (samples)
    return of_tile;
  return std::nullopt;
}

std::optional<int> find_frame(std::string_view line) {
  for (const std::string_view mark : {"Fra:", "Rendering frame "})
    if (auto rest = behind(line, mark)) {
      const auto frame = take_number<int>(*rest);
      if (frame && *frame >= domain::min_frame && *frame <= domain::max_frame)
        return frame;
    }
  return std::nullopt;
}

} // namespace

std::optional<log_event> log_reader::feed(std::string_view line) {
  if (auto report = parse_scene_report(line))
    return std::move(*report);
  const auto named = find_frame(line);
  if (!named) // a line of progress can hold any text: names of objects stand in it
    if (auto why = find_cause(line))
      return complaint{std::move(*why)};
  if (named)
    frame_ = named;
  const auto samples = find_samples(line);
  const auto fraction = find_fraction(line, samples);
  if (!frame_ || (!named && !fraction))
    return std::nullopt;
  return frame_progress{*frame_, fraction.value_or(0), samples ? samples->done : 0,
                        samples ? samples->total : 0};
}

} // namespace kiln::blender
