// SPDX-License-Identifier: Apache-2.0
#include "blender/log_reader.hpp"

#include "blender/line_text.hpp"

#include <algorithm>
#include <array>
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

constexpr std::string_view no_opengl =
    "EEVEE, Workbench and the compositor of 5.x draw with OpenGL, which this machine lacks: install libegl1, "
    "libgl1, libegl-mesa0 and libgl1-mesa-dri (Debian's names) or the driver of the GPU, or render with "
    "CYCLES";
constexpr std::string_view of_newer_blender =
    "the .blend was written by a newer Blender: render it with that version or a newer one";

// Printed by Blender 2.8 to 5.x; the first that fits counts.
constexpr std::array causes{
    cause{"No space left on device", failure_kind::disk_full, "the disk is full"},
    cause{"Disk quota exceeded", failure_kind::disk_full, "the disk quota is used up"},
    cause{"Cannot render, no camera", failure_kind::no_camera, "the scene has no camera: add one"},
    cause{"engine not found", failure_kind::engine_unavailable, "this Blender has no such render engine"},
    cause{"Build without OpenImageDenoiser", failure_kind::denoiser_unavailable,
          "the scene asks for a denoiser that this build of Blender lacks: turn denoising off in the .blend"},
    // No library of OpenGL (libepoxy's words), or libraries without a driver: 3.x and 4.x, then 5.x.
    cause{"Couldn't open lib", failure_kind::display_unavailable, no_opengl},
    cause{"Couldn't find current GLX or EGL context", failure_kind::display_unavailable, no_opengl},
    cause{"EGL Error (0x300C)", failure_kind::display_unavailable, no_opengl},
    cause{"Unable to open a display", failure_kind::display_unavailable,
          "this Blender draws EEVEE and Workbench on an X display only: start kilnd with DISPLAY set "
          "(xvfb-run kilnd --sandbox-display ...), render with CYCLES, or with Blender 3.x or newer"},
    cause{"may be from a newer version", failure_kind::blend_unreadable, of_newer_blender},
    cause{"saved by a newer version", failure_kind::blend_unreadable, of_newer_blender},
    cause{"File written by newer Blender binary", failure_kind::blend_unreadable, of_newer_blender},
    cause{"Cannot read blend file", failure_kind::blend_unreadable, "the .blend cannot be read"},
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

struct remark {
  std::string_view first, second; ///< both are in the line
  std::string_view kind;
};

// Lines after which Blender renders with a substitute for something missing.
constexpr std::array remarks{
    remark{"Color management", "not found", "colour_management"},
    remark{"Unknown colorspace", "", "colour_management"},
    remark{"Font file doesn't exist", "", "font_replaced"},
};

/// Makes any line printable and short, for answers and logs.
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

std::optional<domain::warning> find_remark(std::string_view line) {
  for (const auto& [first, second, kind] : remarks)
    if (line.find(first) != std::string_view::npos && line.find(second) != std::string_view::npos)
      return domain::warning{.kind = std::string{kind}, .message = "Blender: " + quotable(line)};
  return std::nullopt;
}

/// "NAME" in "…/addons/NAME/__init__.py", "…/addons/NAME.py" and "…/extensions/REPOSITORY/NAME/…".
std::optional<std::string_view> addon_in(std::string_view line) {
  for (const auto& [mark, skipped] : {std::pair{"/addons/", 0}, std::pair{"/addons_core/", 0},
                                      std::pair{"/addons_contrib/", 0}, std::pair{"/extensions/", 1}}) {
    auto rest = behind(line, mark);
    for (int i = 0; rest && i < skipped; ++i)
      rest = behind(*rest, "/");
    if (!rest)
      continue;
    const auto name = rest->substr(0, rest->find_first_of("/\"."));
    if (!name.empty())
      return name;
  }
  return std::nullopt;
}

} // namespace

/// Python's traceback: a heading, indented lines, and the error on a line that is not indented.
std::optional<addon_failure> log_reader::read_traceback(std::string_view line) {
  if (line.starts_with("Traceback (most recent call last)")) {
    in_traceback_ = true;
    of_addon_ = false;
    addon_.clear();
    return std::nullopt;
  }
  if (!in_traceback_)
    return std::nullopt;
  if (line.starts_with(' ')) {
    if (line.find("addon_utils.py\"") != std::string_view::npos)
      of_addon_ = true;
    else if (const auto name = addon_in(line))
      addon_ = quotable(*name);
    return std::nullopt;
  }
  in_traceback_ = false;
  if (!of_addon_ || addon_.empty())
    return std::nullopt;
  return addon_failure{"the add-on " + addon_ + " failed with " + quotable(line)};
}

std::optional<log_event> log_reader::feed(std::string_view line) {
  if (auto report = parse_scene_report(line)) {
    progress_.expect_passes(report->passes);
    progress_.expect_early_end(report->is_adaptive);
    return std::move(*report);
  }
  if (auto addon = read_traceback(line))
    return std::move(*addon);
  const auto progress = progress_.feed(line);
  // A progress line can contain any text, since it includes names of objects.
  if (!progress)
    if (auto why = find_cause(line))
      return complaint{std::move(*why)};
  if (!progress)
    if (auto remark = find_remark(line))
      return std::move(*remark);
  if (progress)
    return *progress;
  return std::nullopt;
}

} // namespace kiln::blender
