// SPDX-License-Identifier: Apache-2.0
//
// Runs attempts as job arrays of a Slurm cluster (docs/cluster.md). One poll of its queue serves all
// attempts; without attempts it does not poll.
#pragma once

#include "aio/task_group.hpp"
#include "cluster/slurm_attempt.hpp"
#include "executor/blend_digest.hpp"
#include "executor/executor.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>

namespace kiln::cluster {

class slurm_executor final : public executor::executor {
public:
  /// `pool` and `images` must outlive it.
  slurm_executor(aio::executor_type loop, slurm_settings settings, aio::blocking_pool& pool,
                 image::image_check& images);

  [[nodiscard]] aio::task<std::optional<pid_t>> start(kiln::executor::attempt_request request,
                                                      kiln::executor::attempt_observer& observer) override;
  [[nodiscard]] kiln::executor::abilities able_to() const noexcept override { return {.many_tasks = true}; }
  void stop(const attempt_id& id, domain::stop_reason reason) override;
  void set_priority(const attempt_id& id, int priority) override;
  [[nodiscard]] std::string trouble() const override;
  [[nodiscard]] aio::task<> recover(std::vector<kiln::executor::attempt_request> known,
                                    kiln::executor::attempt_observer& observer) override;
  [[nodiscard]] aio::task<std::optional<std::string>> fingerprint(domain::job_spec spec) override;
  void leave() override;
  [[nodiscard]] aio::task<> join() override;

private:
  using attempt_ptr = std::shared_ptr<slurm_attempt>;

  [[nodiscard]] attempt_ptr add(kiln::executor::attempt_request request,
                                kiln::executor::attempt_observer& observer);
  [[nodiscard]] aio::task<> live(attempt_ptr attempt, slurm_attempt::beginning how,
                                 kiln::executor::attempt_observer& observer);
  void watch();
  [[nodiscard]] aio::task<> watch_queue();
  [[nodiscard]] aio::task<> look();
  [[nodiscard]] aio::task<> sweep(std::vector<slurm::queue_row> rows);
  [[nodiscard]] aio::task<> free_nodes();
  [[nodiscard]] bool has_to_look() const noexcept;

  aio::executor_type loop_;
  slurm_settings settings_;
  aio::blocking_pool& pool_;
  image::image_check& images_;
  kiln::executor::blend_digests digests_;
  aio::blocking_pool command_pool_{
      1}; ///< a stop must reach Slurm while the shared disk keeps the other's threads
  slurm_commands commands_;
  queue_look queue_;
  std::string owner_;
  std::map<attempt_id, attempt_ptr> running_;
  bool watching_ = false, swept_ = true, leaving_ = false, joining_ = false;
  aio::timer next_look_;
  aio::task_group attempts_;
};

} // namespace kiln::cluster
