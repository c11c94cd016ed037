// SPDX-License-Identifier: Apache-2.0
//
// Runs attempts as processes on this machine.
#pragma once

#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "executor/local_attempt.hpp"

#include <map>
#include <memory>

namespace kiln::executor {

class local_executor final : public executor {
public:
  /// Pool and checker outlive it. process::become_subreaper() must have been called.
  local_executor(aio::executor_type loop, local_settings settings, aio::blocking_pool& pool,
                 image::image_check& images);

  [[nodiscard]] aio::task<std::optional<pid_t>> start(attempt_request request,
                                                      attempt_observer& observer) override;
  void stop(const attempt_id& id, domain::stop_reason reason) override;
  [[nodiscard]] aio::task<> join() override;

private:
  [[nodiscard]] aio::task<> live(std::shared_ptr<local_attempt> attempt, attempt_observer& observer);

  aio::executor_type loop_;
  local_settings settings_;
  aio::blocking_pool& pool_;
  image::image_check& images_;
  std::map<attempt_id, std::shared_ptr<local_attempt>> running_;
  aio::notification changed_; ///< one has started or ended
  aio::task_group attempts_;
};

/// The environment for Blender: `own` without what is meant for this daemon alone (KILN_*, NOTIFY_SOCKET,
/// LISTEN_*, WATCHDOG_*) and without the temporary directory, which each attempt sets.
[[nodiscard]] std::vector<std::string> environment_for_blender(const std::vector<std::string>& own);

} // namespace kiln::executor
