// SPDX-License-Identifier: Apache-2.0
//
// Who wants to know at once: /v1/jobs/{id}/events and /v1/events (server-sent events), and clients whose
// answer is held until a job changes. Nothing here costs anything until something happens.
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
  /// What is given outlives it.
  events(aio::executor_type loop, scheduler::scheduler& of);

  /// It outlives the service's requests.
  void add_routes(http::service& to);

  /// Woken by all that happens to the job from now on, its output too. `who` waits until its answer is
  /// written. Null when too many wait already.
  [[nodiscard]] std::shared_ptr<aio::sleeper> begin_waiting(http::client& who, const scheduler::job& on);

  /// Completes when the job has another revision, at `until`, or when the client goes away. False, at once,
  /// when too many wait already.
  [[nodiscard]] aio::task<bool> wait_for_change(http::client& who, job_id of, std::uint64_t revision,
                                                aio::clock::time_point until);

  // scheduler::job_watcher
  void on_change(const scheduler::job& changed) override;
  void on_progress(const scheduler::job& of) override;
  void on_output(const scheduler::job& of, std::string_view text) override;
  void on_forgotten(const scheduler::job& gone) override;

private:
  struct job_channel : event_channel {
    using event_channel::event_channel;
    std::optional<domain::job_state> state; ///< that was told last
    aio::clock::time_point progress_told;
    std::string begun_character; ///< at the end of the output that was told last
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
  std::deque<job_id> over_; ///< ended, and still there for who comes back; the oldest first
  std::shared_ptr<event_channel> all_;
  std::uint64_t newest_ = 0; ///< event of all_
  std::string epoch_;        ///< of this run: events of all jobs are numbered anew in each
};

} // namespace kiln::api
