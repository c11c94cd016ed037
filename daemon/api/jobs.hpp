// SPDX-License-Identifier: Apache-2.0
//
// /v1/jobs: all operations on jobs. See docs/api.md.
#pragma once

#include "aio/blocking_pool.hpp"
#include "api/events.hpp"
#include "api/poll_delay.hpp"
#include "blends/blend_finder.hpp"
#include "executor/workspace.hpp"
#include "http/service.hpp"
#include "scheduler/scheduler.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace kiln::api {

class jobs {
public:
  /// The objects passed by reference must outlive it. `threads`: default for jobs. `open`: their .blends.
  jobs(scheduler::scheduler& of, events& changes, poll_delay& ends, kiln::blends::blend_finder& blends,
       aio::blocking_pool& pool, executor::blend_opener open, domain::job_limits limits, int threads);

  /// This object must outlive the service's requests.
  void add_routes(http::service& to);

private:
  using job_ptr = scheduler::scheduler::job_ptr;

  [[nodiscard]] aio::task<http::answer> create(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> create_once(const http::request& asked,
                                                    const store::request_key& key);
  [[nodiscard]] aio::task<http::answer>
  create_from(const http::request& asked, std::optional<store::request_key> key, std::string copy_of);
  [[nodiscard]] aio::task<result<domain::frame_set>> frames_of_file(std::filesystem::path blend,
                                                                    std::string scene);
  [[nodiscard]] aio::task<http::answer> copy(const http::request& asked);
  [[nodiscard]] http::reply read(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> read_kept(const http::request& asked, job_id id);
  [[nodiscard]] aio::task<http::answer> hold(const http::request& asked, job_ptr of,
                                             std::chrono::seconds wait);
  [[nodiscard]] aio::task<std::optional<http::answer>> refuse_unless_theirs(const http::request& asked,
                                                                            job_id id);
  [[nodiscard]] aio::task<http::answer> patch(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> cancel(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> retry(const http::request& asked);
  [[nodiscard]] aio::task<http::answer> remove(const http::request& asked);

  [[nodiscard]] http::response describe(int status, const scheduler::job& of) const;
  [[nodiscard]] std::optional<int> wait_of(const scheduler::job& of);
  [[nodiscard]] http::answer show(int status, const scheduler::job& of);
  [[nodiscard]] http::answer show_if_new(const http::request& asked, const scheduler::job& of,
                                         std::optional<std::chrono::seconds> held = {});
  [[nodiscard]] http::answer refuse(const error& e);

  scheduler::scheduler& scheduler_;
  events& events_;
  poll_delay& ends_;
  kiln::blends::blend_finder& blends_;
  aio::blocking_pool& pool_;
  executor::blend_opener open_;
  domain::job_limits limits_;
  int threads_;
  /// Principal and Idempotency-Key of requests in progress.
  std::set<std::pair<std::string, std::string>> in_progress_;
};

} // namespace kiln::api
