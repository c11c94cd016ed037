// SPDX-License-Identifier: Apache-2.0
//
// Runs attempts as processes on this machine.
#pragma once

#include "aio/notification.hpp"
#include "aio/task_group.hpp"
#include "executor/blend_digest.hpp"
#include "executor/executor.hpp"
#include "local/local_attempt.hpp"
#include "local/session_pool.hpp"

#include <map>
#include <memory>

namespace kiln::local {

class local_executor final : public executor::executor {
public:
  /// `pool` and `images` must outlive it. process::become_subreaper() must have been called.
  local_executor(aio::executor_type loop, local_settings settings, aio::blocking_pool& pool,
                 image::image_check& images);

  [[nodiscard]] aio::task<std::optional<pid_t>> start(kiln::executor::attempt_request request,
                                                      kiln::executor::attempt_observer& observer) override;
  [[nodiscard]] aio::task<std::optional<blender::choice>> choose_blender(domain::job_spec spec) override;
  void give(const attempt_id& id, std::vector<int> frames) override;
  void expect(domain::job_spec spec, std::string owner) override;
  [[nodiscard]] aio::task<bool> has_memory_for_another(job_id of) override;
  void stop(const attempt_id& id, domain::stop_reason reason) override;
  [[nodiscard]] aio::task<> recover(std::vector<kiln::executor::attempt_request> known,
                                    kiln::executor::attempt_observer& observer) override;
  [[nodiscard]] aio::task<std::optional<std::string>> fingerprint(domain::job_spec spec) override;
  void leave() override;
  void hurry() override { sessions_.hurry(); }
  [[nodiscard]] aio::task<> join() override;

private:
  using attempt_ptr = std::shared_ptr<local_attempt>;

  [[nodiscard]] attempt_ptr add(kiln::executor::attempt_request request,
                                kiln::executor::attempt_observer& observer);
  [[nodiscard]] aio::task<> make_ready(domain::job_spec spec, std::string owner);
  [[nodiscard]] aio::task<> live(attempt_ptr attempt, local_attempt::beginning how,
                                 kiln::executor::attempt_observer& observer);

  aio::executor_type loop_;
  local_settings settings_;
  aio::blocking_pool& pool_;
  image::image_check& images_;
  kiln::executor::blend_digests digests_;
  session_pool sessions_;
  std::map<attempt_id, attempt_ptr> running_;
  aio::notification changed_; ///< an attempt has started or ended
  aio::task_group attempts_;
  aio::task_group steps_; ///< steps of attempts, some of which may have ended
};

/// The environment for Blender: `own` without variables for this daemon only (KILN_*, NOTIFY_SOCKET,
/// LISTEN_*, WATCHDOG_*) and without the temporary directory, which each attempt sets. `user`: Blender's;
/// null: kilnd's own.
[[nodiscard]] std::vector<std::string> environment_for_blender(const std::vector<std::string>& own,
                                                               const process::credentials_ptr& user = {});

} // namespace kiln::local
