// SPDX-License-Identifier: Apache-2.0
//
// Jobs in the SQLite file of the state directory.
#pragma once

#include "store/job_store.hpp"
#include "store/webhook_record.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <utility>

namespace kiln::store {

class database;

class sqlite_job_store final : public job_store {
public:
  static constexpr std::size_t kept_histories = 1000; ///< the least recently used are removed

  /// Blocks. See connection::open() for the errors.
  [[nodiscard]] static result<std::unique_ptr<sqlite_job_store>> open(aio::executor_type loop,
                                                                      const std::filesystem::path& file);
  explicit sqlite_job_store(std::shared_ptr<database> shared) : database_(std::move(shared)) {}

  /// From now on the start and the end of a job are queued for subscribed webhooks, in the transaction that
  /// changes the job. `queued` is called on the loop once such an event is stored.
  void announce(event_format format, std::function<void()> queued);

  [[nodiscard]] aio::task<result<void>> add(job_record job) override;
  [[nodiscard]] aio::task<result<void>> add_once(job_record job, request_key by) override;
  [[nodiscard]] aio::task<result<std::optional<kept_request>>> find_request(std::string principal,
                                                                            std::string key) override;
  [[nodiscard]] aio::task<result<void>> keep_answer(request_key by, std::string answer) override;
  [[nodiscard]] aio::task<result<void>> save(change what, durability how) override;
  [[nodiscard]] aio::task<result<void>> remove(job_id id) override;
  [[nodiscard]] aio::task<result<std::optional<job_record>>> find(job_id id) override;
  [[nodiscard]] aio::task<result<std::optional<job_record>>> find_by_pid(pid_t pid) override;
  [[nodiscard]] aio::task<result<std::vector<job_record>>> list(job_filter filter) override;
  [[nodiscard]] aio::task<result<std::vector<frame_record>>> frames(job_id id, int after,
                                                                    std::size_t limit) override;
  [[nodiscard]] aio::task<result<std::vector<frame_record>>> frames_at(job_id id,
                                                                       std::vector<int> which) override;
  [[nodiscard]] aio::task<result<frame_states>> states_of_frames(job_id id) override;
  [[nodiscard]] aio::task<result<job_counts>> count(std::string owner) override;
  [[nodiscard]] aio::task<result<std::vector<statistics_row>>> sum_up(statistics_wish wish) override;
  [[nodiscard]] aio::task<result<std::vector<live_job>>> load_live() override;
  [[nodiscard]] aio::task<result<std::optional<job_id>>> newest() override;
  [[nodiscard]] aio::task<result<std::optional<ended_job>>>
  first_ended(std::optional<ended_job> after) override;
  [[nodiscard]] aio::task<result<std::uintmax_t>> frame_bytes() override;
  [[nodiscard]] aio::task<result<frame_times>> history(std::string key) override;

private:
  std::shared_ptr<database> database_;
  event_format event_format_; ///< empty: no events are queued
  std::function<void()> on_queued_;
};

} // namespace kiln::store
