// SPDX-License-Identifier: Apache-2.0
//
// The protocol between kilnd and a session's script (kiln_session.py): one JSON object per message. Pure.
// Code of a .blend runs in that Blender, so any bytes may arrive: messages are facts of an attempt and do not
// prove a frame.
#pragma once

#include "base/error.hpp"
#include "domain/job.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kiln::blender {

inline constexpr std::size_t longest_session_message = 128 * 1024; ///< bytes

/// The message that begins an attempt.
struct session_order {
  std::filesystem::path blend;
  domain::render_settings settings;
  std::filesystem::path workspace;
  std::vector<int> frames;           ///< in render order
  domain::frame_set job_frames = {}; ///< all of the job's
  bool strict = false;               ///< a warning fails the attempt before its first frame
  bool open = false;                 ///< more frames may follow
};

[[nodiscard]] std::string format_begin(const session_order& order);
[[nodiscard]] std::string format_more_frames(const std::vector<int>& frames, bool open);
[[nodiscard]] std::string format_cancel();
[[nodiscard]] std::string format_load(const std::filesystem::path& blend);

namespace session_said {
struct ready {};
struct begun {};
struct loaded {
  double seconds = 0;
  bool reused = false; ///< it was already open
};
struct frame_begun {
  int frame = 0;
};
struct frame_saved {
  int frame = 0;
  std::uint64_t memory = 0; ///< bytes of the process
};
struct ended {
  enum class how { through, failed, canceled };
  how status = how::failed;
  std::string reason; ///< of a failure: a traceback, for kilnd's log
  std::uint64_t memory = 0;
};
} // namespace session_said

using session_event = std::variant<session_said::ready, session_said::begun, session_said::loaded,
                                   session_said::frame_begun, session_said::frame_saved, session_said::ended>;

/// corrupt for any message that the script does not send.
[[nodiscard]] result<session_event> parse_session_event(std::string_view message);

/// argv without argv[0] of a session's Blender. From 5.0 Blender prints frames and samples only with `-a` or
/// `-f`, or if the log category "render" is enabled. Level 0 is "info" there; up to 4.5 the levels are
/// numbers only, and the category prints nothing more at 0 (seen with 2.83, 3.4, 4.3 and 5.2).
[[nodiscard]] std::vector<std::string> format_session_arguments(const std::filesystem::path& script,
                                                                int threads);

} // namespace kiln::blender
