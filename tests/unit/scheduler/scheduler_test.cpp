// SPDX-License-Identifier: Apache-2.0
#include "scheduler/scheduler.hpp"
#include "support/fake_executor.hpp"
#include "support/fake_job_store.hpp"
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
constexpr process_exit crash{process_exit::how::signaled, SIGSEGV};

domain::job_spec frames(int first, int last) {
  domain::job_spec spec;
  spec.blend = "/a.blend";
  spec.frames = *domain::frame_set::range(first, last);
  spec.retries = 0;
  return spec;
}

struct recorder final : job_watcher {
  /// A revision stands for one state, so each that is told is newer than the one before it.
  void on_change(const job& changed) override {
    EXPECT_GT(changed.revision, std::exchange(revisions[changed.id], changed.revision));
    seen.emplace_back(changed.id, changed.state);
  }
  void on_forgotten(const job& gone) override { forgotten.push_back(gone.id); }
  std::vector<std::pair<job_id, job_state>> seen;
  std::vector<job_id> forgotten;
  std::map<job_id, std::uint64_t> revisions;
};

class scheduler_test : public tests::loop_test {
protected:
  void make(settings s) {
    scheduler_.emplace(executor(), attempts_, store_, s, log_);
    scheduler_->add_watcher(watcher_);
  }
  aio::task<scheduler::job_ptr> submitted(int first = 1, int last = 2, int retries = 0) {
    auto spec = frames(first, last);
    spec.retries = retries;
    auto taken = co_await scheduler_->submit(std::move(spec));
    if (!taken)
      throw std::runtime_error(taken.error().message);
    co_return *taken;
  }
  static attempt_id attempt(const scheduler::job_ptr& of) { return {of->id, of->attempts}; }

  /// Lets what is ready on the loop run.
  aio::task<> settle() {
    aio::timer pause{executor(), std::chrono::milliseconds{1}};
    co_await pause.async_wait(aio::use_task);
  }

  tests::fake_executor attempts_{executor()};
  tests::fake_job_store store_;
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

TEST_F(scheduler_test, bad_jobs_are_refused) {
  make({.limits = {.max_frames = 3}});
  run([&]() -> aio::task<> {
    auto spec = frames(1, 4);
    const auto taken = co_await scheduler_->submit(std::move(spec));
    EXPECT_EQ(taken.error().code, errc::invalid_input);
    EXPECT_TRUE(watcher_.seen.empty());
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

TEST_F(scheduler_test, a_crash_is_tried_again_and_only_what_is_missing) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 5, 2);
    attempts_.publish(attempt(job), 1);
    attempts_.publish(attempt(job), 2);
    attempts_.name(attempt(job), 3);
    attempts_.end(attempt(job), crash);
    co_await settle();
    EXPECT_EQ(job->state, job_state::running);
    EXPECT_EQ(job->attempts, 2);
    EXPECT_EQ(attempts_.frames.back(), *domain::frame_set::range(3, 5));
    for (const int frame : {3, 4, 5})
      attempts_.publish(attempt(job), frame);
    attempts_.end(attempt(job), success);
    EXPECT_EQ(job->state, job_state::succeeded);
    EXPECT_EQ(job->frames_done, 5U);
  });
}

TEST_F(scheduler_test, a_frame_that_crashes_twice_is_isolated_and_the_rest_goes_on) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 4, 2);
    attempts_.publish(attempt(job), 1);
    attempts_.name(attempt(job), 2);
    attempts_.end(attempt(job), crash); // 2 once
    co_await settle();
    attempts_.name(attempt(job), 2);
    attempts_.end(attempt(job), crash); // 2 twice
    co_await settle();
    EXPECT_EQ(attempts_.frames.back(), *domain::frame_set::range(3, 4));
    attempts_.publish(attempt(job), 3);
    attempts_.publish(attempt(job), 4);
    attempts_.end(attempt(job), success);
    co_await settle();
    EXPECT_EQ(job->state, job_state::running);
    EXPECT_EQ(attempts_.frames.back(), *domain::frame_set::range(2, 2));
    attempts_.name(attempt(job), 2);
    attempts_.end(attempt(job), crash);
    EXPECT_EQ(job->state, job_state::failed);
    EXPECT_EQ(job->frames_done, 3U);
    EXPECT_EQ(job->frames_failed, 1U);
    EXPECT_EQ(job->failure->kind, failure_kind::crashed);
    EXPECT_EQ(job->failure->frame, 2);
    EXPECT_NE(job->failure->message.find("1 of 4 frames failed (2)"), std::string::npos)
        << job->failure->message;
    const auto rows = co_await store_.frames(job->id, -1, 10);
    EXPECT_EQ(rows->size(), 4U);
    EXPECT_EQ((*rows)[1].now, store::frame_record::state::failed);
    EXPECT_EQ((*rows)[1].tries, 3);
  });
}

TEST_F(scheduler_test, a_crash_before_the_blend_is_loaded_is_tried_once_more) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 10, 5);
    attempts_.end(attempt(job), crash);
    co_await settle();
    EXPECT_EQ(job->state, job_state::running);
    attempts_.end(attempt(job), crash);
    co_await settle();
    EXPECT_EQ(job->state, job_state::failed);
    EXPECT_EQ(job->attempts, 2);
    EXPECT_EQ(job->failure->kind, failure_kind::crashed);
    EXPECT_EQ(job->failure->message,
              "Blender crashed (SIGSEGV) before it had loaded the .blend; it was tried 2 times");
  });
}

TEST_F(scheduler_test, one_that_is_killed_before_that_is_tried_as_often_as_the_job_says) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 10, 2);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(job->state, job_state::running);
      attempts_.end(attempt(job), {process_exit::how::signaled, SIGKILL});
      co_await settle();
    }
    EXPECT_EQ(job->state, job_state::failed);
    EXPECT_EQ(job->attempts, 3);
  });
}

TEST_F(scheduler_test, a_blend_that_was_loaded_once_is_not_blamed) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 3, 5);
    attempts_.report(attempt(job), "{}");
    attempts_.end(attempt(job), crash);
    co_await settle();
    for (int i = 0; i < 3; ++i) {
      attempts_.end(attempt(job), crash);
      co_await settle();
      EXPECT_EQ(job->state, job_state::running);
    }
    attempts_.end(attempt(job), {process_exit::how::signaled, SIGTERM});
  });
}

TEST_F(scheduler_test, the_blender_that_was_chosen_is_kept_once_there_is_a_frame) {
  make({.limits = {.blenders = {"old", "new"}}});
  run([&]() -> aio::task<> {
    attempts_.chosen = blender::choice{"old", "it is the default", "it may lose something"};
    const auto job = co_await submitted(1, 3, 5);
    EXPECT_EQ(job->spec.blender, "old");
    EXPECT_EQ(job->spec.blender_choice, "it is the default");
    EXPECT_EQ(job->spec.blender_warning, "it may lose something");
    attempts_.chosen = blender::choice{"new", "old is gone", ""};
    attempts_.end(attempt(job), crash); // nothing is rendered: another may do it all
    co_await settle();
    EXPECT_EQ(job->spec.blender, "new");
    EXPECT_EQ(job->spec.blender_warning, "");
    attempts_.publish(attempt(job), 1);
    attempts_.chosen = blender::choice{"old", "it is back", ""};
    attempts_.end(attempt(job), crash);
    co_await settle();
    EXPECT_EQ(attempts_.used, (std::vector<std::string>{"old", "new", "new"}));
    EXPECT_EQ(attempts_.asked, (std::vector<std::string>{"", "", ""}));
    attempts_.end(attempt(job), {process_exit::how::signaled, SIGTERM});
  });
}

TEST_F(scheduler_test, a_blender_that_the_client_named_stays) {
  make({.limits = {.blenders = {"old", "new"}}});
  run([&]() -> aio::task<> {
    attempts_.chosen = blender::choice{"old", "", "it may lose something"};
    auto spec = frames(1, 3);
    spec.blender = "old";
    const auto taken = co_await scheduler_->submit(std::move(spec));
    EXPECT_EQ((*taken)->spec.blender_choice, "");
    EXPECT_EQ((*taken)->spec.blender_warning, "it may lose something");
    EXPECT_EQ(attempts_.asked, std::vector<std::string>{"old"});
    attempts_.end(attempt(*taken), {process_exit::how::signaled, SIGTERM});
  });
}

TEST_F(scheduler_test, what_cannot_go_well_is_not_tried_again) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 4, 5);
    attempts_.end_with(attempt(job), {.kind = failure_kind::no_camera, .message = "no camera"});
    EXPECT_EQ(job->state, job_state::failed);
    EXPECT_EQ(job->failure->kind, failure_kind::no_camera);
  });
}

TEST_F(scheduler_test, every_frame_but_a_bad_exit_is_a_failure) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 1, 5);
    attempts_.publish(attempt(job), 1);
    attempts_.end(attempt(job), {process_exit::how::exited, 3});
    EXPECT_EQ(job->state, job_state::failed);
  });
}

TEST_F(scheduler_test, the_higher_priority_goes_first_then_the_older) {
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

TEST_F(scheduler_test, a_daemon_that_stops_says_so_to_a_retry) {
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

TEST_F(scheduler_test, a_priority_that_cannot_be_kept_leaves_a_job_in_its_place) {
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

TEST_F(scheduler_test, cancel_in_every_state) {
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

TEST_F(scheduler_test, pause_finishes_the_frame_and_resume_renders_the_rest) {
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

TEST_F(scheduler_test, retry_takes_what_is_not_done) {
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

TEST_F(scheduler_test, remove_is_for_what_has_ended) {
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

TEST_F(scheduler_test, a_job_is_removed_or_tried_again_and_not_both) {
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

class recovery_test : public scheduler_test {
protected:
  /// A scheduler that is killed: its memory is gone, the store is not.
  void crash_and_start() {
    // What waits on the loop of the old one must end for the fixture; nothing of it reaches the store.
    scheduler_.reset();
    make({});
  }
};

TEST_F(recovery_test, what_waited_waits_and_what_ran_is_adopted_or_rendered_again) {
  make({.capacity = {.slots = 2, .max_queued = 10}});
  job_id adopted, lost, waiting;
  run([&]() -> aio::task<> {
    adopted = (co_await submitted(1, 3))->id;
    lost = (co_await submitted(1, 3))->id;
    waiting = (co_await submitted(1, 3))->id;
    attempts_.publish({adopted, 1}, 1);
    attempts_.publish({lost, 1}, 1);
    co_await scheduler_->stop(on_stop::leave);
  });
  attempts_.on_disk[lost] =
      *domain::frame_set::range(1, 2); // 2 was published, and the daemon died before it knew
  attempts_.starts.clear();
  crash_and_start();
  run([&]() -> aio::task<> {
    EXPECT_TRUE(co_await scheduler_->recover());
    EXPECT_EQ(attempts_.recovered, (std::vector<attempt_id>{{adopted, 1}, {lost, 1}}));
    attempts_.adopt({adopted, 1}, 1000);
    EXPECT_EQ(scheduler_->find(adopted)->state, job_state::running);
    EXPECT_EQ(scheduler_->find_by_pid(1000)->id, adopted);
    attempts_.publish({adopted, 1}, 2);
    attempts_.publish({adopted, 1}, 3);
    attempts_.lose({adopted, 1}); // nobody sees its exit status: its frames decide
    EXPECT_EQ(scheduler_->find(adopted)->state, job_state::succeeded);
    attempts_.lose({lost, 1});
    co_await settle();
    EXPECT_EQ(attempts_.starts.front(), (attempt_id{lost, 2}));
    EXPECT_EQ(attempts_.frames.back(), *domain::frame_set::range(3, 3));
    attempts_.publish({lost, 2}, 3);
    attempts_.end({lost, 2}, success);
    EXPECT_EQ(scheduler_->find(lost)->state, job_state::succeeded);
    co_await settle();
    EXPECT_EQ(attempts_.starts.back(), (attempt_id{waiting, 1}));
    attempts_.end({waiting, 1}, success);
  });
}

TEST_F(recovery_test, what_was_cancelled_or_paused_stays_so) {
  make({.capacity = {.slots = 1, .max_queued = 10}});
  job_id running, paused;
  run([&]() -> aio::task<> {
    running = (co_await submitted(1, 3))->id;
    paused = (co_await submitted(1, 3))->id;
    (void)co_await scheduler_->set_paused(paused, true);
    (void)co_await scheduler_->cancel(running);
    co_await scheduler_->stop(on_stop::leave);
  });
  attempts_.stops.clear();
  crash_and_start();
  run([&]() -> aio::task<> {
    EXPECT_TRUE(co_await scheduler_->recover());
    EXPECT_EQ(attempts_.stops, (std::vector{std::pair{attempt_id{running, 1}, domain::stop_reason::cancel}}));
    attempts_.lose({running, 1});
    EXPECT_EQ(scheduler_->find(running)->state, job_state::canceled);
    EXPECT_EQ(scheduler_->find(paused)->state, job_state::paused);
    co_await settle();
    EXPECT_EQ(attempts_.starts.size(), 1U);
  });
}

TEST_F(recovery_test, ids_stay_in_their_order_when_the_clock_is_set_back) {
  make({});
  const auto far = job_id::make(std::chrono::hours{24 * 365 * 100}, 0);
  run([&]() -> aio::task<> {
    store::job_record old;
    old.id = far;
    old.spec = frames(1, 1);
    old.state = job_state::canceled;
    (void)co_await store_.add(old);
    EXPECT_TRUE(co_await scheduler_->recover());
    const auto job = co_await submitted();
    EXPECT_EQ(job->id, far.next());
    attempts_.end(attempt(job), success);
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
