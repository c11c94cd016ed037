// SPDX-License-Identifier: Apache-2.0
// The life of a job: it waits, runs, ends and is kept.
#include "unit/scheduler/scheduler_fixture.hpp"

namespace kiln::scheduler {
namespace {

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
    co_await settle();
    EXPECT_EQ(second->state, job_state::running);
    EXPECT_EQ(third->state, job_state::queued);
    attempts_.end(attempt(second), {process_exit::how::signaled, SIGTERM});
    EXPECT_EQ(second->state, job_state::canceled);
    co_await settle();
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

TEST_F(scheduler_test, stop_ends_what_runs_and_loses_nothing) {
  make({});
  run([&]() -> aio::task<> {
    const auto running = co_await submitted();
    const auto waiting = co_await submitted();
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(scheduler_->stop(on_stop::stop));
    co_await settle();
    EXPECT_EQ(waiting->state, job_state::queued);
    EXPECT_EQ(attempts_.stops.size(), 1U);
    EXPECT_FALSE(group.empty());
    auto spec = frames(1, 1);
    const auto late = co_await scheduler_->submit(std::move(spec));
    EXPECT_EQ(late.error().code, errc::unavailable);
    attempts_.end(attempt(running), {process_exit::how::signaled, SIGKILL}, domain::stop_reason::shutdown);
    co_await group.join();
    EXPECT_EQ(running->state, job_state::queued);
    EXPECT_EQ((co_await store_.load_live())->size(), 2U);
  });
}

TEST_F(scheduler_test, a_sigterm_while_kilnd_stops_is_the_machines_not_a_users) {
  make({});
  run([&]() -> aio::task<> {
    const auto running = co_await submitted();
    aio::task_group group{executor(), [](std::exception_ptr) { ADD_FAILURE(); }};
    group.spawn(scheduler_->stop(on_stop::stop));
    attempts_.end(attempt(running), {process_exit::how::signaled, SIGTERM});
    co_await group.join();
    EXPECT_EQ(running->state, job_state::queued);
  });
}

TEST_F(scheduler_test, leaving_keeps_what_runs_as_running) {
  make({});
  run([&]() -> aio::task<> {
    const auto running = co_await submitted();
    co_await scheduler_->stop(on_stop::leave);
    EXPECT_TRUE(attempts_.left);
    EXPECT_TRUE(attempts_.stops.empty());
    const auto kept = co_await store_.find(running->id);
    EXPECT_EQ((*kept)->state, job_state::running);
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
    co_await settle();
    attempts_.end(attempt(waiting), success);
  });
}

TEST_F(scheduler_test, what_is_forgotten_is_still_in_the_store) {
  make({.kept = 1});
  run([&]() -> aio::task<> {
    const auto first = co_await submitted();
    attempts_.end(attempt(first), success);
    const auto second = co_await submitted();
    attempts_.end(attempt(second), success);
    EXPECT_FALSE(scheduler_->find(first->id));
    EXPECT_EQ((*co_await scheduler_->look_up(first->id))->state, job_state::failed);
    EXPECT_EQ((*co_await scheduler_->look_up_by_pid(1000))->id, first->id);
    EXPECT_EQ((co_await scheduler_->look_up_by_pid(77)).error().code, errc::not_found);
  });
}

TEST_F(scheduler_test, a_full_disk_pauses_the_queue_and_it_goes_on_by_itself) {
  make({.look_again = std::chrono::milliseconds{1}});
  attempts_.free = 5 << 20;
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 2, 0);
    attempts_.end_with(attempt(job), {.kind = failure_kind::disk_full, .message = "the disk is full"});
    EXPECT_EQ(job->state, job_state::queued);
    EXPECT_EQ(scheduler_->blocked(), "the disk is full");
    aio::timer pause{executor(), std::chrono::milliseconds{20}};
    co_await pause.async_wait(aio::use_task);
    EXPECT_EQ(attempts_.starts.size(), 1U) << "no more is free than before";
    attempts_.free = 6 << 20;
    while (attempts_.starts.size() == 1)
      co_await settle();
    EXPECT_EQ(scheduler_->blocked(), "");
    attempts_.publish(attempts_.starts.back(), 1);
    attempts_.publish(attempts_.starts.back(), 2);
    attempts_.end(attempts_.starts.back(), success);
    EXPECT_EQ(job->state, job_state::succeeded) << "it did not count as a try";
  });
}

TEST_F(scheduler_test, a_shortage_that_bytes_do_not_show_is_tried_again_after_a_while) {
  make({.look_again = std::chrono::milliseconds{1}});
  attempts_.free = 5 << 20;
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 1, 0);
    attempts_.end_with(attempt(job), {.kind = failure_kind::disk_full, .message = "no inode is left"});
    const auto until = aio::clock::now() + std::chrono::seconds{30};
    while (attempts_.starts.size() == 1 && aio::clock::now() < until)
      co_await settle();
    EXPECT_EQ(attempts_.starts.size(), 2U);
    attempts_.publish(attempts_.starts.back(), 1);
    attempts_.end(attempts_.starts.back(), success);
    EXPECT_EQ(job->state, job_state::succeeded);
  });
}

TEST_F(scheduler_test, below_the_reserve_nothing_is_started) {
  make({.disk_reserve = 2U << 30, .look_again = std::chrono::milliseconds{1}});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted();
    EXPECT_EQ(job->state, job_state::queued);
    EXPECT_TRUE(attempts_.starts.empty());
    EXPECT_NE(scheduler_->blocked().find("reserve"), std::string::npos);
    attempts_.free = 3ULL << 30;
    while (attempts_.starts.empty())
      co_await settle();
    attempts_.end(attempts_.starts.back(), success);
  });
}

TEST_F(scheduler_test, what_cannot_be_kept_is_not_acknowledged) {
  make({});
  run([&]() -> aio::task<> {
    store_.is_full = true;
    auto spec = frames(1, 1);
    const auto refused = co_await scheduler_->submit(std::move(spec));
    EXPECT_EQ(refused.error().code, errc::unavailable);
    EXPECT_TRUE(attempts_.starts.empty());
    EXPECT_EQ(scheduler_->load().queued, 0U);
    store_.is_full = false;
    const auto job = co_await submitted();
    store_.is_full = true;
    EXPECT_EQ((co_await scheduler_->cancel(job->id)).error().code, errc::unavailable);
    EXPECT_EQ(job->wish, store::intent::run);
    EXPECT_TRUE(attempts_.stops.empty());
    attempts_.end(attempt(job), success);
    EXPECT_EQ(job->state, job_state::running) << "its end is not kept yet";
    store_.is_full = false;
    while (job->state == job_state::running)
      co_await settle();
    EXPECT_EQ(job->state, job_state::failed);
  });
}

TEST_F(scheduler_test, final_states_are_durable_and_the_last_word) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted();
    attempts_.publish(attempt(job), 1);
    attempts_.publish(attempt(job), 2);
    attempts_.end(attempt(job), success);
    co_await settle();
    EXPECT_EQ(store_.saved.back().first.state, job_state::succeeded);
    EXPECT_EQ(store_.saved.back().second, store::durability::durable);
    EXPECT_EQ(store_.saved.back().first, static_cast<const store::job_record&>(*job));
  });
}

TEST_F(scheduler_test, history_feeds_the_estimate_from_the_first_moment) {
  attempts_.print = std::string(64, 'a');
  make({});
  run([&]() -> aio::task<> {
    const auto first = co_await submitted(1, 2);
    for (const int frame : {1, 2}) {
      co_await settle();
      attempts_.name(attempt(first), frame);
      attempts_.publish(attempt(first), frame);
    }
    attempts_.end(attempt(first), success);
    const auto second = co_await submitted(1, 2);
    EXPECT_TRUE(scheduler_->time_left(*second));
    EXPECT_GT(second->past_total, 0);
    attempts_.end(attempt(second), success);
    attempts_.print = std::string(64, 'b');
    const auto other = co_await submitted(1, 2);
    EXPECT_FALSE(scheduler_->time_left(*other));
    attempts_.end(attempt(other), success);
  });
}

} // namespace
} // namespace kiln::scheduler
