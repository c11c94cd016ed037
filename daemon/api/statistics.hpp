// SPDX-License-Identifier: Apache-2.0
//
// /v1/statistics: what was rendered, by day or by owner.
#pragma once

#include "http/service.hpp"
#include "store/job_store.hpp"

namespace kiln::api {

class statistics {
public:
  /// `kept` must outlive it.
  explicit statistics(store::job_store& kept) : store_(kept) {}

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  [[nodiscard]] aio::task<http::answer> sum_up(const http::request& asked);

  store::job_store& store_;
};

} // namespace kiln::api
