// SPDX-License-Identifier: Apache-2.0
//
// Lists of jobs: GET /v1/jobs, searched and in pages, and GET /v1/jobs/summary, their numbers. See
// docs/api.md.
#pragma once

#include "http/service.hpp"
#include "scheduler/scheduler.hpp"
#include "store/job_store.hpp"

namespace kiln::api {

class job_lists {
public:
  /// The objects passed by reference must outlive it.
  job_lists(scheduler::scheduler& of, store::job_store& kept) : scheduler_(of), store_(kept) {}

  /// This object must outlive the service's requests. Call it before the routes of single jobs are added:
  /// "summary" is not the id of one.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> list(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> count(const http::request& asked);

  scheduler::scheduler& scheduler_;
  store::job_store& store_;
};

} // namespace kiln::api
