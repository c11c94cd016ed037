// SPDX-License-Identifier: Apache-2.0
#include "domain/failure.hpp"

namespace kiln::domain {

std::string_view to_string(failure_kind kind) noexcept {
  switch (kind) {
  case failure_kind::blend_unreadable:
    return "blend_unreadable";
  case failure_kind::no_camera:
    return "no_camera";
  case failure_kind::engine_unavailable:
    return "engine_unavailable";
  case failure_kind::denoiser_unavailable:
    return "denoiser_unavailable";
  case failure_kind::missing_files:
    return "missing_files";
  case failure_kind::output_unwritable:
    return "output_unwritable";
  case failure_kind::disk_full:
    return "disk_full";
  case failure_kind::out_of_memory:
    return "out_of_memory";
  case failure_kind::crashed:
    return "crashed";
  case failure_kind::killed:
    return "killed";
  case failure_kind::timed_out:
    return "timed_out";
  case failure_kind::stalled:
    return "stalled";
  case failure_kind::frames_missing:
    return "frames_missing";
  case failure_kind::frames_corrupt:
    return "frames_corrupt";
  case failure_kind::movie_output:
    return "movie_output";
  case failure_kind::blender_missing:
    return "blender_missing";
  case failure_kind::internal:
    return "internal";
  }
  return "internal";
}

} // namespace kiln::domain
