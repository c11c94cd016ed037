// SPDX-License-Identifier: Apache-2.0
//
// GET /v1/system: who asks, and what this kilnd is and can do.
#pragma once

#include "aio/blocking_pool.hpp"
#include "http/service.hpp"
#include "scheduler/scheduler.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kiln::api {

/// What does not change while kilnd runs. The objects must outlive the requests.
struct system_facts {
  const scheduler::scheduler& jobs;
  const access::gate& doors;
  aio::blocking_pool& pool;
  std::string version;
  std::string executor; ///< "local" or "slurm"
  std::string sandbox;
  std::string autorun; ///< "never", "roots" or "always"
  bool has_tutorial = false;
  bool has_webhooks = false;
  std::size_t slots = 1;
  std::size_t max_queued = 0;
  std::size_t max_frames = 0;
  std::size_t max_body_bytes = 0;
  std::uintmax_t max_upload_bytes = 0;
  std::uintmax_t uploads_quota = 0;
  std::uintmax_t disk_reserve = 0;
  std::filesystem::path output;
  std::filesystem::path state;
  std::vector<std::filesystem::path> roots;
};

class system_view {
public:
  explicit system_view(system_facts from) : from_(std::move(from)) {}

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> show(const http::request& asked);

  system_facts from_;
};

/// What the linker wrote into this program to tell it from every other build; empty if it wrote nothing.
[[nodiscard]] std::string build_id();

} // namespace kiln::api
