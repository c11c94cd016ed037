// SPDX-License-Identifier: Apache-2.0
//
// Videos of the frames of a job: /v1/jobs/{id}/videos.
#pragma once

#include "http/service.hpp"
#include "preview/videos.hpp"
#include "scheduler/scheduler.hpp"

namespace kiln::api {

class videos {
public:
  /// The objects passed by reference must outlive it.
  videos(scheduler::scheduler& of, preview::videos& made) : scheduler_(of), videos_(made) {}

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> make(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> list(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> read(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> file(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> remove(const http::request& asked);

  scheduler::scheduler& scheduler_;
  preview::videos& videos_;
};

} // namespace kiln::api
