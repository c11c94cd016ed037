// SPDX-License-Identifier: Apache-2.0
//
// A video of a job's frames: what was asked for, how far it is, and the command that encodes it. Pure.
#pragma once

#include "base/error.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::preview {

struct video_settings {
  static constexpr int smallest = 16, largest = 4096; ///< of the longest side, in pixels

  std::string codec = "h264"; ///< is_codec()
  double fps = 24;
  std::optional<int> size = {}; ///< of the longest side, in pixels; nullopt: that of the frames
  bool holds_gaps = false;      ///< the frame before a missing one is shown again
  double exposure = 0;          ///< stops
};

[[nodiscard]] bool is_codec(std::string_view name) noexcept;

/// With the dot.
[[nodiscard]] std::string_view extension_of(std::string_view codec) noexcept;

struct video_failure {
  std::string kind; ///< for programs: video_failures
  std::string message;
};

struct video {
  std::string id;
  video_settings settings;
  std::size_t frames = 0;
  std::string state = "queued"; ///< queued, running, succeeded, failed
  std::size_t frames_done = 0;
  int width = 0, height = 0; ///< 0: not known yet
  bool has_alpha = false;
  std::uint64_t bytes = 0;
  std::optional<video_failure> failure = {};
};

/// As the API shows it, and as it is kept.
[[nodiscard]] boost::json::object format_video(const video& of);
/// nullopt if the text is none.
[[nodiscard]] std::optional<video> parse_video(std::string_view text);

/// The id of a video with these settings of frames with these marks.
[[nodiscard]] std::string video_id(const video_settings& settings, const std::vector<std::string>& marks);
[[nodiscard]] bool is_video_id(std::string_view text) noexcept;

/// The size of a video of frames of this size: even, since colours are kept for two by two pixels.
void set_size(video& of, int frame_width, int frame_height) noexcept;

/// The encoder for a codec in the output of `ffmpeg -encoders`; nullopt if there is none.
[[nodiscard]] std::optional<std::string> choose_encoder(std::string_view codec, std::string_view listed);

/// The names of the encoders for people: "libx264".
[[nodiscard]] std::string encoders_of(std::string_view codec);

/// The arguments of ffmpeg, which reads rows from standard input and writes `file`.
[[nodiscard]] std::vector<std::string> encoding_arguments(const video& of, std::string_view encoder,
                                                          const std::string& file);

/// The arguments of ffprobe, which decodes `file` and prints the number of its frames.
[[nodiscard]] std::vector<std::string> counting_arguments(const std::string& file);

/// The last line of a program's output that is not empty; at most 300 bytes.
[[nodiscard]] std::string last_line(std::string_view printed);

} // namespace kiln::preview
