// SPDX-License-Identifier: Apache-2.0
//
// An attempt: one run of one Blender process over frames of a job, in its own workspace. These are the facts
// observed by an executor; policy::verdict judges them.
#pragma once

#include "domain/failure.hpp"
#include "domain/frame_set.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kiln::domain {

/// How a process ended: either by exit (a status of 0 to 255) or by a signal.
struct process_exit {
  enum class how { exited, signaled };
  how kind = how::exited;
  int value = 0; ///< exit status, or signal number

  [[nodiscard]] bool is_success() const noexcept { return kind == how::exited && value == 0; }
  friend bool operator==(const process_exit&, const process_exit&) = default;
};

/// Why Kiln itself ended an attempt.
enum class stop_reason {
  cancel,   ///< a user cancelled the job
  pause,    ///< a user paused the job
  shutdown, ///< kilnd stops
  timeout,  ///< the job's time limit is over
  stall,    ///< no sign of life for too long
};

/// A file in the place of a frame that is not a complete image.
struct rejected_frame {
  int frame = 0;
  std::string why;
};

struct attempt_facts {
  frame_set requested;
  frame_set published;                  ///< verified, and at their final paths
  std::optional<failure> start_failure; ///< the process could not be started
  std::optional<process_exit> exit;     ///< set if a process ran and its end was observed
  bool lost = false;                    ///< a process ran, and its end was not observed: kilnd did not run
  std::optional<stop_reason> stopped;   ///< set if Kiln asked it to end
  std::vector<failure> complaints; ///< reasons found in the log and while publishing, in order of occurrence
  std::vector<rejected_frame> rejected; ///< still undecodable at the end
  std::optional<int> last_named;        ///< the last frame named in the log
  bool reported = false;                ///< the script that describes the loaded .blend has run
  std::string addon_trouble;            ///< the add-on that failed when Blender started, and how; empty: none
  int rendered_twice = 0;               ///< number of frames that another run rendered too: harmless

  /// Whether Blender got as far as opening the .blend.
  [[nodiscard]] bool has_loaded() const noexcept { return reported || last_named || !published.empty(); }
};

/// The outcome of an attempt.
enum class attempt_outcome {
  succeeded,
  failed,
  canceled,    ///< by Kiln for a user, or by a user's SIGTERM
  interrupted, ///< no fault of the job: missing frames are rendered again, and it does not count as a try
};

} // namespace kiln::domain
