// SPDX-License-Identifier: Apache-2.0
//
// GET /metrics: the counts of kilnd's parts, for Prometheus (docs/operations.md has the table). Gathered for
// each request, without a timer.
#pragma once

#include "aio/blocking_pool.hpp"
#include "api/poll_delay.hpp"
#include "base/histogram.hpp"
#include "domain/failure.hpp"
#include "http/server.hpp"
#include "http/service.hpp"
#include "scheduler/scheduler.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <unordered_map>

namespace kiln::api {

/// These objects must outlive the metrics' requests.
struct metric_sources {
  const scheduler::scheduler& jobs;
  const poll_delay& ends;
  const histogram& spawns;  ///< seconds until a process has started; the next two are in seconds, too
  const histogram& exits;   ///< of processes that end
  const histogram& commits; ///< of the store
  http::service& service;
  const http::server& server;
  aio::blocking_pool& pool;
  std::filesystem::path output;
  std::filesystem::path state;
  std::uintmax_t disk_reserve;
  std::size_t slots;
  std::string version;                  ///< version of kilnd
  std::function<std::string()> blender; ///< current version of the default Blender: "Blender 3.4.1"
};

class metrics final : public scheduler::job_watcher {
public:
  explicit metrics(metric_sources from);

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

  // scheduler::job_watcher
  void on_change(const scheduler::job& changed) override;
  void on_forgotten(const scheduler::job&) override {}

private:
  [[nodiscard]] aio::task<http::answer> show();

  metric_sources from_;
  std::unordered_map<job_id, domain::job_state> live_; ///< jobs that are not final
  std::map<domain::job_state, std::uint64_t> ended_;
  std::map<domain::failure_kind, std::uint64_t> failures_; ///< failed jobs by reason
  histogram frame_seconds_;                                ///< of published frames
  std::uint64_t published_bytes_ = 0;
  std::uint64_t failed_tries_ = 0; ///< failed tries of frames
};

} // namespace kiln::api
