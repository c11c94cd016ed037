// SPDX-License-Identifier: Apache-2.0
//
// Immediate notification of clients: /v1/jobs/{id}/events and /v1/events (server-sent events), and answers
// that are held until a job changes. Uses no CPU time while no job changes.
#pragma once

#include "api/event_channel.hpp"
#include "http/service.hpp"
#include "scheduler/scheduler.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace kiln::api {

class events final : public scheduler::job_watcher {
public:
  /// `of` must outlive it.
  events(aio::executor_type loop, scheduler::scheduler& of);

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

  /// A sleeper that each change of the job wakes from now on, also its output. `who` counts as waiting until
  /// its answer is written. Null if too many clients wait already.
  [[nodiscard]] std::shared_ptr<aio::sleeper> begin_waiting(http::client& who, const scheduler::job& on);

  /// Completes when the job has another revision, at `until`, or when the client disconnects. Returns false
  /// at once if too many clients wait already.
  [[nodiscard]] aio::task<bool> wait_for_change(http::client& who, job_id of, std::uint64_t revision,
                                                aio::clock::time_point until);

  // scheduler::job_watcher
  void on_change(const scheduler::job& changed) override;
  void on_progress(const scheduler::job& of) override;
  void on_output(const scheduler::job& of, std::string_view text) override;
  void on_forgotten(const scheduler::job& gone) override;
  void on_removed(const job_id& gone) override;

private:
  struct job_channel : event_channel {
    using event_channel::event_channel;
    std::optional<domain::job_state> state; ///< in the last event
    aio::clock::time_point progress_told;
    std::string begun_character; ///< incomplete character at the end of the last output
  };
  using channel_ptr = std::shared_ptr<job_channel>;

  [[nodiscard]] aio::task<http::answer> watch_job(const http::request& asked);
  [[nodiscard]] http::answer watch_all(const http::request& asked);
  [[nodiscard]] channel_ptr channel_of(const scheduler::job& of);
  [[nodiscard]] std::string describe(const scheduler::job& of) const;
  void tell_passing(job_channel& to, std::string_view type, const boost::json::object& data);

  aio::executor_type loop_;
  scheduler::scheduler& scheduler_;
  std::unordered_map<job_id, channel_ptr> channels_;
  std::deque<job_id> over_; ///< ended jobs whose channels are kept for reconnecting clients, oldest first
  std::shared_ptr<event_channel> all_;
  std::uint64_t newest_ = 0; ///< event of all_
  std::string epoch_;        ///< identifies this run: each run numbers the events of all jobs from 1
};

} // namespace kiln::api
