// SPDX-License-Identifier: Apache-2.0
//
// What has become of the frames of a job: GET /v1/jobs/{id}/frames, in pages, and .../frames/map, all at
// once.
#pragma once

#include "http/service.hpp"
#include "output/output_store.hpp"
#include "scheduler/scheduler.hpp"
#include "store/job_store.hpp"

#include <deque>
#include <memory>

namespace kiln::api {

class frame_lists {
public:
  /// The objects passed by reference must outlive it.
  frame_lists(scheduler::scheduler& of, store::job_store& kept, output::output_store& files)
      : scheduler_(of), store_(kept), output_(files) {}

  /// This object must outlive the service's requests. Call it before the routes of single frames are added:
  /// "map" is not the number of one.
  void add_routes(http::service& to);

private:
  using states_ptr = std::shared_ptr<const store::frame_states>;
  struct known_states {
    job_id id;
    std::uint64_t revision = 0;
    states_ptr states;
  };

  [[nodiscard]] aio::task<http::answer> list(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> map(const http::request& asked);
  [[nodiscard]] aio::task<result<states_ptr>> states_of(scheduler::scheduler::job_ptr of);

  scheduler::scheduler& scheduler_;
  store::job_store& store_;
  output::output_store& output_;
  std::deque<known_states>
      known_; ///< of final jobs that were asked for last: a long one takes a while to read
};

} // namespace kiln::api
