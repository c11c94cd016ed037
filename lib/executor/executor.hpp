// SPDX-License-Identifier: Apache-2.0
//
// Where attempts run: this machine now, a cluster later. Whoever implements it observes and reports facts;
// what they mean is for policy::verdict, and what is done next for the scheduler.
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
  domain::frame_set frames;       ///< of the job: those that this attempt renders
  std::vector<int> in_order = {}; ///< the same, when they are not rendered in ascending order
  std::string owner = {};         ///< whose job it is; Blenders are not shared among owners
  bool open = false;              ///< give() may add frames, where the executor can take some
  std::optional<std::chrono::milliseconds> time_left = {}; ///< until the job's time for rendering is over
  std::optional<std::chrono::milliseconds> patience = {};  ///< with a process that gives no sign of life
  domain::frame_set failed_before = {};     ///< of the frames: those that have failed at least once
  std::optional<double> frame_seconds = {}; ///< what a frame is likely to take, where that is known
  double start_up_seconds = 0;              ///< until Blender has loaded, where that is known
};

/// A frame that is verified and stands at its final path.
struct published_frame {
  int frame = 0;
  std::filesystem::path path;
  std::uintmax_t bytes = 0;
  aio::clock::time_point closed;      ///< when Blender was done with the file
  std::optional<double> seconds = {}; ///< what it took, where that is not the time since the one before it
};

/// Told of what happens to an attempt, on the loop. References are valid during the call only.
class attempt_observer {
public:
  /// An attempt of an earlier life of the daemon goes on: recover() has found its process.
  virtual void on_adopted(const attempt_id& id, pid_t pid) = 0;
  /// A line of Blender's says how far a frame is, or a session begins one.
  virtual void on_progress(const attempt_id& id, const blender::frame_progress& now) = 0;
  /// Its log has grown by this; not always whole lines.
  virtual void on_output(const attempt_id& id, std::string_view text) = 0;
  /// What the .blend really is.
  virtual void on_report(const attempt_id& id, const blender::scene_report& report) = 0;
  /// A line of Blender's says that something is not as the .blend has it.
  virtual void on_warning(const attempt_id& /*id*/, const domain::warning& /*what*/) {}
  virtual void on_published(const attempt_id& id, const published_frame& frame) = 0;
  /// An open attempt has rendered what it was given: it waits for give().
  virtual void on_hungry(const attempt_id& /*id*/) {}

  // Of an executor that runs an attempt elsewhere, as many tasks.

  /// It waits for a place to run, and this is why.
  virtual void on_waiting(const attempt_id& /*id*/, const std::string& /*why*/) {}
  /// Its first task runs.
  virtual void on_running(const attempt_id& /*id*/) {}
  /// Where its tasks stand.
  virtual void on_tasks(const attempt_id& /*id*/, policy::parallel_progress /*now*/) {}
  /// One of its tasks has ended without all of its frames. Answers which of the missing ones shall be
  /// rendered again within this attempt.
  [[nodiscard]] virtual domain::frame_set on_task_failed(const attempt_id& /*id*/,
                                                         const domain::attempt_facts& facts) {
    return facts.requested.without(facts.published);
  }

  /// The last call for an attempt: exactly one for each start() and each that is recovered, but for those
  /// that leave() has left.
  virtual void on_end(const attempt_id& id, const domain::attempt_facts& facts) = 0;

protected:
  ~attempt_observer() = default;
};

/// How attempts run, where that makes a difference to who starts them.
struct abilities {
  /// An attempt is many tasks that run elsewhere: it takes all frames of a job, gives them out itself, waits
  /// for places there, and has no pid.
  bool many_tasks = false;
};

class executor {
public:
  virtual ~executor() = default;

  [[nodiscard]] virtual abilities able_to() const noexcept { return {}; }

  /// Which Blender renders such a job, where the executor has a choice: nothing where it has none, or where
  /// no Blender does. In the latter case start() fails, and says why.
  [[nodiscard]] virtual aio::task<std::optional<blender::choice>> choose_blender(domain::job_spec /*spec*/) {
    co_return std::nullopt;
  }

  /// Completes with the pid once the process runs, or with nothing when it could not be started (on_end has
  /// told why) or runs elsewhere (on_waiting is told first, on_running later). The observer must outlive the
  /// attempt.
  [[nodiscard]] virtual aio::task<std::optional<pid_t>> start(attempt_request request,
                                                              attempt_observer& observer) = 0;

  /// More frames for an open attempt that is hungry, in their order; none: it ends. No effect on any other.
  virtual void give(const attempt_id& /*id*/, std::vector<int> /*frames*/) {}

  /// An attempt of such a job is likely to come soon: what takes time may be done beforehand.
  virtual void expect(domain::job_spec /*spec*/, std::string /*owner*/) {}

  /// Whether there is memory for one more Blender like those that render this job.
  [[nodiscard]] virtual aio::task<bool> has_memory_for_another(job_id /*of*/) { co_return true; }

  /// Begins to end an attempt; on_end follows. No effect on one that is unknown or has ended.
  virtual void stop(const attempt_id& id, domain::stop_reason reason) = 0;

  /// What runs later than others; no effect where nothing waits.
  virtual void set_priority(const attempt_id& /*id*/, int /*priority*/) {}

  /// What keeps attempts from going on, though they were started; empty when nothing does.
  [[nodiscard]] virtual std::string trouble() const { return {}; }

  /// Once, before the first start(): takes up what an earlier life of the daemon has left. Of the `known`
  /// attempts those whose process still runs go on (on_adopted); of the others what was whole is published,
  /// and they end as lost. Processes and workspaces of attempts that are not known are ended and removed.
  /// Completes when that is under way.
  [[nodiscard]] virtual aio::task<> recover(std::vector<attempt_request> known,
                                            attempt_observer& observer) = 0;

  /// Of what renders of this job take their time: .blend content, settings, Blender. 64 hexadecimal digits;
  /// nothing when the .blend cannot be read.
  [[nodiscard]] virtual aio::task<std::optional<std::string>> fingerprint(domain::job_spec spec) = 0;

  /// Lets every attempt go on without this daemon, for the next one to recover().
  virtual void leave() = 0;

  /// Completes when no attempt is left that this daemon watches. No attempt can be started afterwards, and
  /// fingerprints that are not known yet are not computed.
  [[nodiscard]] virtual aio::task<> join() = 0;
};

} // namespace kiln::executor
