// SPDX-License-Identifier: Apache-2.0
// What a scheduler finds that an earlier one has left.
#include "unit/scheduler/scheduler_fixture.hpp"

namespace kiln::scheduler {
namespace {

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
    attempts_.lose({adopted, 1}); // its exit status is lost: its frames decide
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

TEST_F(recovery_test, scripts_that_were_allowed_once_do_not_run_any_more) {
  make({.limits = {.autorun = domain::autorun_scope::always}});
  job_id running, waiting;
  run([&]() -> aio::task<> {
    for (auto* id : {&running, &waiting}) {
      auto spec = frames(1, 3);
      spec.autorun = spec.own_process = true;
      const auto taken = co_await scheduler_->submit(std::move(spec));
      *id = taken.value()->id;
    }
    co_await scheduler_->stop(on_stop::leave);
  });
  crash_and_start(); // without autorun
  run([&]() -> aio::task<> {
    EXPECT_TRUE(co_await scheduler_->recover());
    attempts_.publish({running, 1}, 1);
    attempts_.lose({running, 1}); // missing frames would be a new attempt
    co_await settle();
    for (const auto& id : {running, waiting}) {
      const auto job = scheduler_->find(id);
      EXPECT_EQ(job->state, job_state::failed);
      EXPECT_EQ(job->failure.value().kind, failure_kind::invalid_setting);
      EXPECT_NE(job->failure.value().message.find("autorun"), std::string::npos);
    }
    EXPECT_EQ(attempts_.starts.size(), 1U);
    EXPECT_EQ(scheduler_->find(running)->frames_done, 1U);
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

} // namespace
} // namespace kiln::scheduler
