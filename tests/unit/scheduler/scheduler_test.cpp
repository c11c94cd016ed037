// SPDX-License-Identifier: Apache-2.0
#include "scheduler/scheduler.hpp"
#include "support/fake_executor.hpp"
#include "support/loop.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <optional>

namespace kiln::scheduler {
namespace {

using domain::failure_kind;
using domain::job_state;
using domain::process_exit;

constexpr process_exit success{process_exit::how::exited, 0};

domain::job_spec frames(int first, int last) {
  return {.blend = "/a.blend", .frames = *domain::frame_set::range(first, last), .engine = "CYCLES"};
}

struct recorder final : job_watcher {
  void on_change(const job& changed) override { seen.emplace_back(changed.id, changed.state); }
  void on_forgotten(const job& gone) override { forgotten.push_back(gone.id); }
  std::vector<std::pair<job_id, job_state>> seen;
  std::vector<job_id> forgotten;
};

class scheduler_test : public tests::loop_test {
protected:
  void make(settings s) {
    scheduler_.emplace(executor(), attempts_, s, log_);
    scheduler_->set_watcher(&watcher_);
  }
  aio::task<scheduler::job_ptr> submitted(int first = 1, int last = 2) {
    auto spec = frames(first, last);
    auto taken = co_await scheduler_->submit(std::move(spec));
    if (!taken)
      throw std::runtime_error(taken.error().message);
    co_return *taken;
  }
  static attempt_id attempt(const scheduler::job_ptr& of) { return {of->id, of->attempts}; }

  tests::fake_executor attempts_{executor()};
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_st>()};
  recorder watcher_;
  std::optional<scheduler> scheduler_;
};

TEST_F(scheduler_test, a_job_runs_publishes_and_succeeds) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted();
    EXPECT_EQ(job->state, job_state::running);
    EXPECT_EQ(job->pid, 1000);
    EXPECT_EQ(scheduler_->find(job->id), job);
    EXPECT_EQ(scheduler_->find_by_pid(1000), job);
    const auto before = job->revision;
    attempts_.publish(attempt(job), 1);
    EXPECT_EQ(job->frames_done, 1U);
    EXPECT_GT(job->revision, before);
    attempts_.publish(attempt(job), 2);
    attempts_.end(attempt(job), success);
    EXPECT_EQ(job->state, job_state::succeeded);
    EXPECT_EQ(watcher_.seen.back(), std::pair(job->id, job_state::succeeded));
  });
}

TEST_F(scheduler_test, more_than_the_slots_wait_in_their_order) {
  make({.capacity = {.slots = 1, .max_queued = 2}});
  run([&]() -> aio::task<> {
    const auto first = co_await submitted();
    const auto second = co_await submitted();
    const auto third = co_await submitted();
    EXPECT_EQ(second->state, job_state::queued);
    EXPECT_FALSE(second->pid);
    auto spec = frames(1, 1);
    const auto fourth = co_await scheduler_->submit(std::move(spec));
    EXPECT_EQ(fourth.error().code, errc::unavailable);
    EXPECT_GE(scheduler_->retry_after_refusal(), 1);

    attempts_.end(attempt(first), success);
    EXPECT_EQ(first->state, job_state::failed) << "no frame was published";
    aio::timer pause{executor(), std::chrono::milliseconds{1}};
    co_await pause.async_wait(aio::use_task);
    EXPECT_EQ(second->state, job_state::running);
    EXPECT_EQ(third->state, job_state::queued);
    attempts_.end(attempt(second), {process_exit::how::signaled, SIGTERM});
    EXPECT_EQ(second->state, job_state::canceled);
    co_await pause.async_wait(aio::use_task);
    attempts_.end(attempt(third), {process_exit::how::signaled, SIGSEGV});
    EXPECT_EQ(third->failure->kind, failure_kind::crashed);
  });
}

TEST_F(scheduler_test, two_slots_run_two_jobs) {
  make({.capacity = {.slots = 2, .max_queued = 2}});
  run([&]() -> aio::task<> {
    const auto first = co_await submitted();
    const auto second = co_await submitted();
    EXPECT_EQ(second->state, job_state::running);
    EXPECT_NE(first->pid, second->pid);
    attempts_.end(attempt(second), success);
    attempts_.end(attempt(first), success);
  });
}

TEST_F(scheduler_test, a_start_that_fails_fails_the_job_and_frees_the_slot) {
  make({.capacity = {.slots = 1, .max_queued = 5}});
  run([&]() -> aio::task<> {
    attempts_.next_start_fails = domain::failure{.kind = failure_kind::blender_missing, .message = "gone"};
    const auto job = co_await submitted();
    EXPECT_EQ(job->state, job_state::failed);
    EXPECT_EQ(job->failure->kind, failure_kind::blender_missing);
    const auto next = co_await submitted();
    EXPECT_EQ(next->state, job_state::running);
    attempts_.end(attempt(next), success);
  });
}

TEST_F(scheduler_test, a_pid_that_comes_again_means_the_newest_job) {
  make({});
  run([&]() -> aio::task<> {
    const auto old = co_await submitted();
    attempts_.end(attempt(old), success);
    attempts_.set_next_pid(1000);
    const auto young = co_await submitted();
    EXPECT_EQ(scheduler_->find_by_pid(1000), young);
    EXPECT_EQ(scheduler_->find(old->id), old);
    attempts_.end(attempt(young), success);
  });
}

TEST_F(scheduler_test, the_oldest_that_ended_are_forgotten) {
  make({.kept = 2});
  run([&]() -> aio::task<> {
    std::vector<job_id> ids;
    for (int i = 0; i < 4; ++i) {
      const auto job = co_await submitted();
      ids.push_back(job->id);
      attempts_.end(attempt(job), success);
    }
    EXPECT_EQ(watcher_.forgotten, (std::vector{ids[0], ids[1]}));
    EXPECT_FALSE(scheduler_->find(ids[1]));
    EXPECT_FALSE(scheduler_->find_by_pid(1001));
    EXPECT_TRUE(scheduler_->find(ids[2]));
  });
}

TEST_F(scheduler_test, bad_jobs_are_refused) {
  make({.limits = {.max_frames = 3}});
  run([&]() -> aio::task<> {
    auto spec = frames(1, 4);
    const auto taken = co_await scheduler_->submit(std::move(spec));
    EXPECT_EQ(taken.error().code, errc::invalid_input);
    EXPECT_TRUE(watcher_.seen.empty());
  });
}

TEST_F(scheduler_test, stop_cancels_what_waits_and_waits_for_what_runs) {
  make({});
  run([&]() -> aio::task<> {
    const auto running = co_await submitted();
    const auto waiting = co_await submitted();
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(scheduler_->stop());
    aio::timer pause{executor(), std::chrono::milliseconds{1}};
    co_await pause.async_wait(aio::use_task);
    EXPECT_EQ(waiting->state, job_state::canceled);
    EXPECT_EQ(attempts_.stops.size(), 1U);
    EXPECT_FALSE(group.empty());
    auto spec = frames(1, 1);
    const auto late = co_await scheduler_->submit(std::move(spec));
    EXPECT_EQ(late.error().code, errc::unavailable);
    attempts_.end(attempt(running), {process_exit::how::signaled, SIGKILL}, domain::stop_reason::shutdown);
    co_await group.join();
    EXPECT_EQ(running->state, job_state::canceled);
  });
}

TEST_F(scheduler_test, retry_after_stays_in_its_range) {
  make({});
  run([&]() -> aio::task<> {
    const auto running = co_await submitted(1, 500);
    const auto waiting = co_await submitted(1, 500);
    for (const auto& job : {running, waiting}) {
      EXPECT_GE(scheduler_->retry_after(*job), 1);
      EXPECT_LE(scheduler_->retry_after(*job), 300);
    }
    attempts_.publish(attempt(running), 1);
    EXPECT_GE(scheduler_->retry_after(*running), 1);
    attempts_.end(attempt(running), success);
    aio::timer pause{executor(), std::chrono::milliseconds{1}};
    co_await pause.async_wait(aio::use_task);
    attempts_.end(attempt(waiting), success);
  });
}

} // namespace
} // namespace kiln::scheduler
