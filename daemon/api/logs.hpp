// SPDX-License-Identifier: Apache-2.0
//
// /v1/jobs/{id}/log: Blender's output of all attempts of a job, as one growing text.
#pragma once

#include "aio/blocking_pool.hpp"
#include "api/events.hpp"
#include "http/service.hpp"
#include "output/output_store.hpp"
#include "scheduler/scheduler.hpp"

namespace kiln::api {

class logs {
public:
  /// The objects passed by reference must outlive it.
  logs(scheduler::scheduler& of, output::output_store& files, events& changes, aio::blocking_pool& pool);

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> read(const http::request& asked);

  scheduler::scheduler& scheduler_;
  output::output_store& output_;
  events& events_;
  aio::blocking_pool& pool_;
};

} // namespace kiln::api
