// SPDX-License-Identifier: Apache-2.0
// What users ask of jobs, in each of their states.
#include "unit/scheduler/scheduler_fixture.hpp"

namespace kiln::scheduler {
namespace {

class requests_test : public scheduler_test {};

TEST_F(requests_test, bad_jobs_are_refused) {
  make({.limits = {.max_frames = 3}});
  run([&]() -> aio::task<> {
    auto spec = frames(1, 4);
    const auto taken = co_await scheduler_->submit(std::move(spec));
    EXPECT_EQ(taken.error().code, errc::invalid_input);
    EXPECT_TRUE(watcher_.seen.empty());
  });
}

TEST_F(requests_test, the_higher_priority_goes_first_then_the_older) {
  make({});
  run([&]() -> aio::task<> {
    const auto first = co_await submitted();
    std::vector<scheduler::job_ptr> jobs;
    for (const int priority : {0, 5, 0, 5}) {
      auto spec = frames(1, 1);
      spec.priority = priority;
      jobs.push_back(*co_await scheduler_->submit(std::move(spec)));
    }
    (void)co_await scheduler_->set_priority(jobs[2]->id, 9);
    std::vector<job_id> order;
    attempts_.end(attempt(first), success);
    for (int i = 0; i < 4; ++i) {
      co_await settle();
      order.push_back(attempts_.starts.back().job);
      attempts_.end(attempts_.starts.back(), success);
    }
    EXPECT_EQ(order, (std::vector{jobs[2]->id, jobs[1]->id, jobs[3]->id, jobs[0]->id}));
  });
}

TEST_F(requests_test, a_daemon_that_stops_says_so_to_a_retry) {
  make({});
  run([&]() -> aio::task<> {
    const auto first = co_await submitted();
    const auto job = co_await submitted();
    (void)co_await scheduler_->cancel(job->id);
    attempts_.publish(attempt(first), 1);
    attempts_.publish(attempt(first), 2);
    attempts_.end(attempt(first), success);
    co_await scheduler_->stop(on_stop::stop);
    const auto refused = co_await scheduler_->retry(job->id);
    EXPECT_EQ(refused.error().code, errc::unavailable);
    EXPECT_NE(refused.error().message.find("stopping"), std::string::npos) << refused.error().message;
  });
}

TEST_F(requests_test, a_priority_that_cannot_be_kept_leaves_a_job_in_its_place) {
  make({});
  run([&]() -> aio::task<> {
    const auto first = co_await submitted();
    const auto second = co_await submitted();
    const auto third = co_await submitted();
    store_.is_full = true;
    EXPECT_FALSE(co_await scheduler_->set_priority(third->id, 9));
    store_.is_full = false;
    EXPECT_EQ(third->spec.priority, 0);
    attempts_.end(attempt(first), success);
    co_await settle();
    EXPECT_EQ(attempts_.starts.back().job, second->id);
    EXPECT_TRUE(co_await scheduler_->set_priority(third->id, 5));
    attempts_.end(attempt(second), success);
    co_await settle();
    EXPECT_EQ(attempts_.starts.back().job, third->id);
    attempts_.end(attempt(third), success);
  });
}

TEST_F(requests_test, cancel_in_every_state) {
  make({});
  run([&]() -> aio::task<> {
    const auto running = co_await submitted();
    const auto waiting = co_await submitted();
    (void)co_await scheduler_->cancel(waiting->id);
    EXPECT_EQ(waiting->state, job_state::canceled);
    (void)co_await scheduler_->cancel(running->id);
    EXPECT_EQ(running->state, job_state::running);
    EXPECT_EQ(attempts_.stops, (std::vector{std::pair{attempt(running), domain::stop_reason::cancel}}));
    attempts_.end(attempt(running), {process_exit::how::signaled, SIGTERM}, domain::stop_reason::cancel);
    EXPECT_EQ(running->state, job_state::canceled);
    const auto again = co_await scheduler_->cancel(running->id);
    EXPECT_EQ((*again)->state, job_state::canceled);
    const auto unknown = co_await scheduler_->cancel(job_id::make(std::chrono::milliseconds{1}, 1));
    EXPECT_EQ(unknown.error().code, errc::not_found);
  });
}

TEST_F(requests_test, pause_finishes_the_frame_and_resume_renders_the_rest) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 3);
    (void)co_await scheduler_->set_paused(job->id, true);
    EXPECT_TRUE(attempts_.stops.empty());
    attempts_.publish(attempt(job), 1);
    EXPECT_EQ(attempts_.stops.back().second, domain::stop_reason::pause);
    attempts_.end(attempt(job), {process_exit::how::signaled, SIGTERM}, domain::stop_reason::pause);
    EXPECT_EQ(job->state, job_state::paused);
    co_await settle();
    EXPECT_EQ(attempts_.starts.size(), 1U);
    (void)co_await scheduler_->set_paused(job->id, false);
    co_await settle();
    EXPECT_EQ(attempts_.frames.back(), *domain::frame_set::range(2, 3));
    (void)co_await scheduler_->cancel(job->id);
    attempts_.end(attempt(job), {process_exit::how::signaled, SIGTERM}, domain::stop_reason::cancel);
    EXPECT_EQ((co_await scheduler_->set_paused(job->id, true)).error().code, errc::conflict);
  });
}

TEST_F(requests_test, retry_takes_what_is_not_done) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 3);
    attempts_.publish(attempt(job), 1);
    attempts_.name(attempt(job), 2);
    EXPECT_EQ((co_await scheduler_->retry(job->id)).error().code, errc::conflict);
    attempts_.end(attempt(job), crash);
    co_await settle();
    attempts_.publish(attempt(job), 3);
    attempts_.end(attempt(job), success);
    EXPECT_EQ(job->state, job_state::failed);
    const auto again = co_await scheduler_->retry(job->id);
    co_await settle();
    EXPECT_EQ((*again)->state, job_state::running);
    EXPECT_EQ((*again)->frames_failed, 0U);
    EXPECT_EQ(attempts_.frames.back(), *domain::frame_set::range(2, 2));
    attempts_.publish(attempts_.starts.back(), 2);
    attempts_.end(attempts_.starts.back(), success);
    const auto end = scheduler_->find(job->id);
    EXPECT_EQ(end->state, job_state::succeeded);
    EXPECT_EQ((co_await scheduler_->retry(job->id)).error().code, errc::conflict);
  });
}

TEST_F(requests_test, remove_is_for_what_has_ended) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted();
    EXPECT_EQ((co_await scheduler_->remove(job->id)).error().code, errc::conflict);
    attempts_.end(attempt(job), success);
    EXPECT_TRUE(co_await scheduler_->remove(job->id));
    EXPECT_EQ(attempts_.discarded, std::vector{job->id});
    EXPECT_EQ((co_await scheduler_->look_up(job->id)).error().code, errc::not_found);
    EXPECT_EQ((co_await scheduler_->remove(job->id)).error().code, errc::not_found);
  });
}

TEST_F(requests_test, a_job_is_removed_or_tried_again_and_not_both) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted();
    attempts_.end(attempt(job), success);
    attempts_.discard_waits = true;
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    const auto remove = [&]() -> aio::task<> { EXPECT_TRUE(co_await scheduler_->remove(job->id)); };
    group.spawn(remove());
    EXPECT_EQ((co_await scheduler_->retry(job->id)).error().code, errc::conflict);
    EXPECT_EQ((co_await scheduler_->remove(job->id)).error().code, errc::conflict);
    attempts_.let_discard_go_on();
    co_await group.join();
    EXPECT_EQ((co_await scheduler_->retry(job->id)).error().code, errc::not_found);
  });
}

} // namespace
} // namespace kiln::scheduler
