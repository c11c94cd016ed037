// SPDX-License-Identifier: Apache-2.0
//
// Where attempts run: this machine or a Slurm cluster. An implementation observes and reports facts;
// policy::verdict interprets them, and the scheduler decides the next step.
#pragma once

#include "aio/task.hpp"
#include "base/ids.hpp"
#include "blender/install_choice.hpp"
#include "blender/log_reader.hpp"
#include "domain/attempt.hpp"
#include "domain/job.hpp"
#include "policy/parallel.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace kiln::executor {

struct attempt_request {
  attempt_id id;
  domain::job_spec spec;
  domain::frame_set frames;       ///< the frames of the job that this attempt renders
  std::vector<int> in_order = {}; ///< the same frames in render order; empty: ascending
  std::string owner = {};         ///< owner of the job; owners do not share Blenders
  bool open = false;              ///< give() may add frames, where the executor can take some
  std::optional<std::chrono::milliseconds> time_left = {}; ///< until the job's time limit
  std::optional<std::chrono::milliseconds> patience = {};  ///< longest time without a sign of life
  domain::frame_set failed_before = {};                    ///< the frames that have failed at least once
  std::optional<double> frame_seconds = {};                ///< expected duration of a frame, if known
  double start_up_seconds = 0;                             ///< expected loading time of Blender; 0: not known
};

/// A verified frame at its final path.
struct published_frame {
  int frame = 0;
  std::filesystem::path path;
  std::uintmax_t bytes = 0;
  aio::clock::time_point closed;         ///< when Blender closed the file
  std::optional<double> seconds = {};    ///< its duration, if not the time since the previous frame
  std::vector<std::string> further = {}; ///< names of its further files
};

/// Receives the events of attempts, on the loop. References are valid during the call only.
class attempt_observer {
public:
  /// recover() found the process of an attempt from an earlier run of the daemon; the attempt continues.
  virtual void on_adopted(const attempt_id& id, pid_t pid) = 0;
  /// A line of Blender's output reports the progress of a frame, or a session begins a frame.
  virtual void on_progress(const attempt_id& id, const blender::frame_progress& now) = 0;
  /// Text appended to the log of the attempt; not always whole lines.
  virtual void on_output(const attempt_id& id, std::string_view text) = 0;
  /// The facts that the setup script found in the loaded .blend.
  virtual void on_report(const attempt_id& id, const blender::scene_report& report) = 0;
  /// A line of Blender's output reports a deviation from the .blend.
  virtual void on_warning(const attempt_id& /*id*/, const domain::warning& /*what*/) {}
  virtual void on_published(const attempt_id& id, const published_frame& frame) = 0;
  /// An open attempt has rendered all its frames and waits for give().
  virtual void on_hungry(const attempt_id& /*id*/) {}

  // Only from an executor that runs an attempt as many tasks elsewhere:

  /// The attempt waits for a place to run, for this reason.
  virtual void on_waiting(const attempt_id& /*id*/, const std::string& /*why*/) {}
  /// The first task of the attempt runs.
  virtual void on_running(const attempt_id& /*id*/) {}
  /// The progress of its tasks.
  virtual void on_tasks(const attempt_id& /*id*/, policy::parallel_progress /*now*/) {}
  /// One of its tasks has ended with frames missing. Returns the missing frames to render again within this
  /// attempt.
  [[nodiscard]] virtual domain::frame_set on_task_failed(const attempt_id& /*id*/,
                                                         const domain::attempt_facts& facts) {
    return facts.requested.without(facts.published);
  }

  /// The last call for an attempt: exactly one for each started or recovered attempt, except those that
  /// leave() has left running.
  virtual void on_end(const attempt_id& id, const domain::attempt_facts& facts) = 0;

protected:
  ~attempt_observer() = default;
};

/// Properties of an executor that matter to the scheduler.
struct abilities {
  /// An attempt is many tasks that run elsewhere: it takes all frames of a job, distributes them itself,
  /// waits for places there, and has no pid.
  bool many_tasks = false;
};

class executor {
public:
  virtual ~executor() = default;

  [[nodiscard]] virtual abilities able_to() const noexcept { return {}; }

  /// The Blender that would render this job. Nullopt if the executor has no choice, or if no Blender fits; in
  /// the latter case start() fails with the reason.
  [[nodiscard]] virtual aio::task<std::optional<blender::choice>> choose_blender(domain::job_spec /*spec*/) {
    co_return std::nullopt;
  }

  /// Completes with the pid once the process runs. Nullopt if it could not be started (on_end has reported
  /// why) or runs elsewhere (on_waiting is called first, on_running later). The observer must outlive the
  /// attempt.
  [[nodiscard]] virtual aio::task<std::optional<pid_t>> start(attempt_request request,
                                                              attempt_observer& observer) = 0;

  /// Gives more frames, in render order, to an open attempt that has reported on_hungry; without frames, it
  /// ends. No effect on any other attempt.
  virtual void give(const attempt_id& /*id*/, std::vector<int> /*frames*/) {}

  /// Announces that an attempt of this job is likely soon, so that slow preparations can begin.
  virtual void expect(domain::job_spec /*spec*/, std::string /*owner*/) {}

  /// Whether there is memory for one more Blender like those that render this job.
  [[nodiscard]] virtual aio::task<bool> has_memory_for_another(job_id /*of*/) { co_return true; }

  /// Begins to end an attempt; on_end follows. No effect on one that is unknown or has ended.
  virtual void stop(const attempt_id& id, domain::stop_reason reason) = 0;

  /// Changes the order of waiting tasks; no effect where nothing waits.
  virtual void set_priority(const attempt_id& /*id*/, int /*priority*/) {}

  /// Why started attempts make no progress; empty if nothing holds them up.
  [[nodiscard]] virtual std::string trouble() const { return {}; }

  /// Call once, before the first start(): takes over what an earlier run of the daemon has left. `known`
  /// attempts whose process still runs continue (on_adopted); for the others, complete frames are published
  /// and the attempt ends as lost. Processes of unknown attempts are ended and their workspaces removed.
  /// Completes once all this is under way.
  [[nodiscard]] virtual aio::task<> recover(std::vector<attempt_request> known,
                                            attempt_observer& observer) = 0;

  /// Fingerprint of everything that determines how long this job's frames take: .blend content, settings,
  /// Blender. 64 hexadecimal digits; nullopt if the .blend cannot be read.
  [[nodiscard]] virtual aio::task<std::optional<std::string>> fingerprint(domain::job_spec spec) = 0;

  /// Stops watching every attempt and leaves it running, for the next daemon to recover().
  virtual void leave() = 0;

  /// Kills the processes that it keeps for later attempts. The daemon is stopping.
  virtual void hurry() {}

  /// Completes once this daemon watches no attempt. Afterwards no attempt can be started, and no new
  /// fingerprint is computed.
  [[nodiscard]] virtual aio::task<> join() = 0;
};

} // namespace kiln::executor
