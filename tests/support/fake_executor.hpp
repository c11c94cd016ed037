// SPDX-License-Identifier: Apache-2.0
//
// An executor that runs nothing: the test says what happens to each attempt.
#pragma once

#include "aio/notification.hpp"
#include "executor/executor.hpp"

#include <map>
#include <utility>
#include <vector>

namespace kiln::tests {

class fake_executor final : public executor::executor {
public:
  explicit fake_executor(aio::executor_type loop) : ended_(loop) {}

  /// The next start() fails with this.
  std::optional<domain::failure> next_start_fails;
  std::vector<std::pair<attempt_id, domain::stop_reason>> stops;
  std::vector<attempt_id> starts;

  aio::task<std::optional<pid_t>> start(kiln::executor::attempt_request request,
                                        kiln::executor::attempt_observer& observer) override {
    starts.push_back(request.id);
    if (next_start_fails) {
      domain::attempt_facts facts;
      facts.requested = request.spec.frames;
      facts.start_failure = std::exchange(next_start_fails, {});
      observer.on_end(request.id, facts);
      co_return std::nullopt;
    }
    running_.insert_or_assign(request.id, run{request, &observer, {}});
    co_return next_pid_++;
  }

  void stop(const attempt_id& id, domain::stop_reason reason) override { stops.emplace_back(id, reason); }

  aio::task<> join() override {
    while (!running_.empty())
      co_await ended_.wait();
  }

  void publish(const attempt_id& id, int frame) {
    auto& attempt = running_.at(id);
    attempt.published.push_back(frame);
    attempt.observer->on_published(id, {frame, "frame.png", aio::clock::now()});
  }

  void end(const attempt_id& id, domain::process_exit exit, std::optional<domain::stop_reason> stopped = {}) {
    const auto attempt = running_.extract(id).mapped();
    domain::attempt_facts facts;
    facts.requested = attempt.request.spec.frames;
    facts.published = domain::frame_set::of(attempt.published);
    facts.exit = exit;
    facts.stopped = stopped;
    attempt.observer->on_end(id, facts);
    ended_.notify_all();
  }

  void set_next_pid(pid_t pid) { next_pid_ = pid; }

private:
  struct run {
    kiln::executor::attempt_request request;
    kiln::executor::attempt_observer* observer;
    std::vector<int> published;
  };
  std::map<attempt_id, run> running_;
  aio::notification ended_;
  pid_t next_pid_ = 1000;
};

} // namespace kiln::tests
