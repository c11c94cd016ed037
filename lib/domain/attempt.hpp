// SPDX-License-Identifier: Apache-2.0
//
// An attempt: one run of one Blender process over frames of a job, in a workspace of its own. These are the
// facts that an executor observed; policy::verdict judges them.
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
  cancel,   ///< somebody cancelled the job
  pause,    ///< somebody paused the job
  shutdown, ///< kilnd stops
  timeout,  ///< the job's time for rendering is over
  stall,    ///< no sign of life for too long
};

/// A file that stands where a frame should be and is not a whole image.
struct rejected_frame {
  int frame = 0;
  std::string why;
};

struct attempt_facts {
  frame_set requested;
  frame_set published;                  ///< verified, and at their final paths
  std::optional<failure> start_failure; ///< the process could not be started
  std::optional<process_exit> exit;     ///< set when a process ran and its end was seen
  bool lost = false;                    ///< a process ran, and how it ended nobody saw: kilnd was away
  std::optional<stop_reason> stopped;   ///< set when Kiln asked it to end
  std::vector<failure> complaints;      ///< reasons found in the log and while publishing, in their order
  std::vector<rejected_frame> rejected; ///< still undecodable at the end
  std::optional<int> last_named;        ///< the frame that the log was on when it ended
  bool reported = false;                ///< the script that describes the loaded .blend has run
  std::string addon_trouble;            ///< which add-on failed as Blender started, and how; empty: none
  int rendered_twice = 0; ///< frames that another run has rendered as well: harmless, and counted

  /// Whether Blender got as far as having the .blend open.
  [[nodiscard]] bool has_loaded() const noexcept { return reported || last_named || !published.empty(); }
};

/// What became of an attempt.
enum class attempt_outcome {
  succeeded,
  failed,
  canceled,    ///< by Kiln for a user, or by a user's SIGTERM
  interrupted, ///< nobody's fault: what is missing is rendered again, and it does not count as a try
};

} // namespace kiln::domain
