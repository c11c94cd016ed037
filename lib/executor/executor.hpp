// SPDX-License-Identifier: Apache-2.0
//
// Where attempts run: this machine now, a cluster later. Whoever implements it observes and reports facts;
// what they mean is for policy::verdict, and what is done next for the scheduler.
#pragma once

#include "aio/task.hpp"
#include "base/ids.hpp"
#include "domain/attempt.hpp"
#include "domain/job.hpp"

#include <chrono>
#include <filesystem>
#include <optional>

#include <sys/types.h>

namespace kiln::executor {

struct attempt_request {
  attempt_id id;
  domain::job_spec spec;
};

/// A frame that is verified and stands at its final path.
struct published_frame {
  int frame = 0;
  std::filesystem::path path;
  aio::clock::time_point closed; ///< when Blender was done with the file
};

/// Told of what happens to an attempt, on the loop. References are valid during the call only.
class attempt_observer {
public:
  /// `fraction`: the part of the frame's samples that is done, 0 to 1, as Blender prints it: it can go back.
  virtual void on_progress(const attempt_id& id, int frame, double fraction) = 0;
  virtual void on_published(const attempt_id& id, const published_frame& frame) = 0;
  /// The last call for an attempt: exactly one for each start().
  virtual void on_end(const attempt_id& id, const domain::attempt_facts& facts) = 0;

protected:
  ~attempt_observer() = default;
};

class executor {
public:
  virtual ~executor() = default;

  /// Completes with the pid once the process runs, or with nothing when it could not be started (on_end has
  /// told why). The observer must outlive the attempt.
  [[nodiscard]] virtual aio::task<std::optional<pid_t>> start(attempt_request request,
                                                              attempt_observer& observer) = 0;

  /// Begins to end an attempt; on_end follows. No effect on one that is unknown or has ended.
  virtual void stop(const attempt_id& id, domain::stop_reason reason) = 0;

  /// Completes when no attempt is left.
  [[nodiscard]] virtual aio::task<> join() = 0;
};

} // namespace kiln::executor
