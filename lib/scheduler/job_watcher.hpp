// SPDX-License-Identifier: Apache-2.0
//
// The interface for components that follow all jobs, such as event streams and metrics.
#pragma once

#include "scheduler/job.hpp"

#include <string_view>

namespace kiln::scheduler {

/// Receives changes of jobs, on the loop.
class job_watcher {
public:
  virtual void on_change(const job& changed) = 0;
  /// Blender reports progress of the current frame. Called often.
  virtual void on_progress(const job& /*of*/) {}
  /// Text appended to the job's log; not always whole lines.
  virtual void on_output(const job& /*of*/, std::string_view /*text*/) {}
  /// The job is no longer in memory.
  virtual void on_forgotten(const job& gone) = 0;
  /// The job is nowhere any more: a client or retention has removed it.
  virtual void on_removed(const job_id& /*gone*/) {}

protected:
  ~job_watcher() = default;
};

} // namespace kiln::scheduler
