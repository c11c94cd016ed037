// SPDX-License-Identifier: Apache-2.0
//
// Why a job did not succeed, in the words of the API.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kiln::domain {

enum class failure_kind {
  blend_unreadable,
  no_camera,
  engine_unavailable,
  denoiser_unavailable,
  missing_files,
  output_unwritable,
  disk_full,
  out_of_memory,
  crashed,
  killed,
  timed_out,
  stalled,
  frames_missing,
  frames_corrupt,
  movie_output,
  blender_missing,
  invalid_setting, ///< the .blend has no such scene or view layer, or this Blender no such format
  internal,
};

/// The kind's name as the API writes it, for instance "frames_missing".
[[nodiscard]] std::string_view to_string(failure_kind kind) noexcept;

/// The kind of this name; nothing when there is none.
[[nodiscard]] std::optional<failure_kind> parse_failure_kind(std::string_view name) noexcept;

struct failure {
  failure_kind kind = failure_kind::internal;
  std::string message;                 ///< for people; says what to do where that is known
  std::optional<int> frame = {};       ///< the frame it is about
  std::optional<int> exit_status = {}; ///< of Blender, when it exited
  std::optional<int> signal = {};      ///< the signal Blender died by

  friend bool operator==(const failure&, const failure&) = default;
};

} // namespace kiln::domain
