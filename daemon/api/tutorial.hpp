// SPDX-License-Identifier: Apache-2.0
//
// The tutorial's two endpoints: POST /job and GET /job/{id}. A status answer is built when its job changes,
// not for each request; only Retry-After is computed per request.
#pragma once

#include "api/poll_delay.hpp"
#include "blends/blend_finder.hpp"
#include "http/service.hpp"
#include "scheduler/scheduler.hpp"

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace kiln::api {

class tutorial final : public scheduler::job_watcher {
public:
  /// `every_job`: the job of /job, with the frames of the request; nullopt if there is no .blend for it. The
  /// objects passed by reference must outlive it.
  tutorial(scheduler::scheduler& jobs, poll_delay& ends, kiln::blends::blend_finder& blends,
           std::optional<domain::job_spec> every_job);

  /// Serves /job. This object must outlive the service's requests.
  void add_routes(http::service& to);

  void on_change(const scheduler::job& changed) override;
  void on_forgotten(const scheduler::job& gone) override;

private:
  [[nodiscard]] aio::task<http::answer> create(const http::request& asked);
  [[nodiscard]] http::reply read(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> read_kept(std::string id);

  scheduler::scheduler& jobs_;
  poll_delay& ends_;
  kiln::blends::blend_finder& blends_;
  std::optional<domain::job_spec> every_job_;
  std::shared_ptr<const http::prebuilt> not_found_;
  std::unordered_map<job_id, std::shared_ptr<const http::prebuilt>> answers_;
};

} // namespace kiln::api
