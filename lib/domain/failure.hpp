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
  display_unavailable, ///< EEVEE, Workbench or a compositor found no OpenGL to draw with
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
  invalid_setting, ///< the .blend has no such scene or view layer, or Blender or Kiln does not support such
                   ///< an output
  strict_warning,  ///< a strict job has a warning
  internal,
};

/// What the scheduler does after a failure.
enum class remedy {
  give_up,       ///< a retry would end the same way: the job has failed
  try_again,     ///< a retry may succeed
  wait_for_room, ///< the job waits for disk space or for another resource of the machine; no try is counted
};

[[nodiscard]] remedy remedy_for(failure_kind kind) noexcept;

/// The kind's name as the API writes it, for instance "frames_missing".
[[nodiscard]] std::string_view to_string(failure_kind kind) noexcept;

/// The kind of this name; nullopt if there is none.
[[nodiscard]] std::optional<failure_kind> parse_failure_kind(std::string_view name) noexcept;

struct failure {
  failure_kind kind = failure_kind::internal;
  std::string message;                 ///< for people; says what to do if known
  std::optional<int> frame = {};       ///< the frame it is about
  std::optional<int> exit_status = {}; ///< of Blender, if it exited
  std::optional<int> signal = {};      ///< the signal Blender died by
  /// The machine temporarily lacks a resource: the job waits. Never set in a job that has ended.
  bool passes = false;

  friend bool operator==(const failure&, const failure&) = default;
};

} // namespace kiln::domain
