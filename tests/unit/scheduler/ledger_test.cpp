// SPDX-License-Identifier: Apache-2.0
#include "scheduler/ledger.hpp"
#include "support/fake_job_store.hpp"
#include "support/loop.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>
#include <stdexcept>

namespace kiln::scheduler {
namespace {

using store::durability;

/// A store whose writes wait for release(), and may throw.
class held_store final : public tests::fake_job_store {
public:
  explicit held_store(aio::executor_type loop) : changed_(loop) {}

  bool is_held = false;
  bool throws = false;
  int in_flight = 0;
  int most_in_flight = 0;

  aio::task<result<void>> save(store::change what, durability how) override {
    most_in_flight = std::max(most_in_flight, ++in_flight);
    while (is_held)
      co_await changed_.wait();
    --in_flight;
    if (throws)
      throw std::runtime_error("a defect");
    co_return co_await fake_job_store::save(std::move(what), how);
  }
  void release() {
    is_held = false;
    changed_.notify_all();
  }

private:
  aio::notification changed_;
};

class ledger_test : public tests::loop_test {
protected:
  ledger_test() { log_.set_pattern("%v"); }

  aio::task<ledger::job_ptr> added() {
    store::job_record record;
    record.id = job_id::make(std::chrono::milliseconds{1}, 7);
    record.spec.blend = "/a.blend";
    record.spec.frames = *domain::frame_set::range(1, 9);
    auto copy = record;
    const auto is_new = co_await store_.add(std::move(copy));
    if (!is_new)
      throw std::runtime_error("the job is there already");
    co_return std::make_shared<job>(std::move(record));
  }
  void frame_done(job& of, int frame) {
    ledger::add(of, {.frame = frame, .now = store::frame_record::state::done});
  }
  /// For instance "1-3,7".
  aio::task<std::string> kept_frames(job_id id) {
    const auto kept = co_await store_.frames(id, -1, 100);
    domain::frame_set frames;
    for (const auto& one : *kept)
      frames.add(one.frame);
    co_return domain::format_frame_set(frames);
  }
  static store::attempt_record first_attempt(pid_t pid) {
    store::attempt_record record;
    record.number = 1;
    record.pid = pid;
    return record;
  }
  aio::task<> turn() {
    aio::timer pause{executor(), std::chrono::milliseconds{1}};
    co_await pause.async_wait(aio::use_task);
  }
  /// Spawns a commit whose outcome goes to `outcomes_`.
  void spawn_commit(const ledger::job_ptr& of, durability how = durability::relaxed) {
    commits_.spawn([](ledger_test* self, ledger::job_ptr job, durability d) -> aio::task<> {
      self->outcomes_.push_back(co_await self->ledger_.commit(std::move(job), d));
    }(this, of, how));
  }

  held_store store_{executor()};
  std::ostringstream logged_;
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::ostream_sink_st>(logged_)};
  ledger ledger_{executor(), store_, log_};
  std::vector<result<void>> outcomes_;
  aio::task_group commits_{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
};

TEST_F(ledger_test, changes_during_a_write_share_the_next_one) {
  run([&]() -> aio::task<> {
    const auto job = co_await added();
    store_.is_held = true;
    ledger_.note(job);
    for (int frame = 1; frame <= 5; ++frame) {
      frame_done(*job, frame);
      ledger_.note(job);
    }
    store_.release();
    co_await ledger_.join();
    EXPECT_EQ(store_.saved.size(), 2U);
    EXPECT_EQ(store_.most_in_flight, 1);
    EXPECT_EQ(co_await kept_frames(job->id), "1-5");
    EXPECT_TRUE(job->page.frames.empty());
  });
}

TEST_F(ledger_test, each_write_has_a_newer_revision_though_nobody_gave_one) {
  run([&]() -> aio::task<> {
    const auto job = co_await added();
    for (int i = 0; i < 3; ++i)
      EXPECT_TRUE(co_await ledger_.commit(job, durability::relaxed));
    EXPECT_EQ(store_.saved.size(), 3U);
    EXPECT_EQ(store_.saved.back().first.revision, job->revision);
  });
}

TEST_F(ledger_test, commits_that_come_during_a_write_are_answered_by_the_next_one) {
  run([&]() -> aio::task<> {
    const auto job = co_await added();
    store_.is_held = true;
    ledger_.note(job);
    spawn_commit(job);
    spawn_commit(job, durability::durable);
    spawn_commit(job);
    co_await turn();
    EXPECT_TRUE(outcomes_.empty());
    store_.release();
    co_await commits_.join();
    co_await ledger_.join();
    EXPECT_EQ(outcomes_.size(), 3U);
    EXPECT_EQ(store_.saved.size(), 2U);
    EXPECT_EQ(store_.saved[0].second, durability::relaxed);
    EXPECT_EQ(store_.saved[1].second, durability::durable) << "one of them asked for it";
  });
}

TEST_F(ledger_test, what_could_not_be_written_is_written_later_in_its_order) {
  run([&]() -> aio::task<> {
    const auto job = co_await added();
    store_.is_full = true;
    frame_done(*job, 1);
    ledger::add(*job, first_attempt(7));
    const auto refused = co_await ledger_.commit(job, durability::durable);
    EXPECT_EQ(refused.error().code, errc::unavailable);
    EXPECT_EQ((co_await ledger_.commit(job, durability::durable)).error().code, errc::unavailable);
    frame_done(*job, 2);
    ledger::add(*job, first_attempt(8));
    store_.is_full = false;
    co_await ledger_.join(); // including the retry after a moment
    EXPECT_EQ(co_await kept_frames(job->id), "1,2");
    const auto live = co_await store_.load_live();
    EXPECT_EQ(live->front().attempts.front().pid, 8);
    EXPECT_EQ(std::ranges::count(logged_.str(), '\n'), 2)
        << "one line when it begins, one when it is over: " << logged_.str();
  });
}

TEST_F(ledger_test, a_row_that_is_newer_is_a_conflict_and_not_tried_again) {
  run([&]() -> aio::task<> {
    const auto job = co_await added();
    (void)co_await store_.remove(job->id);
    frame_done(*job, 1);
    EXPECT_EQ((co_await ledger_.commit(job, durability::durable)).error().code, errc::conflict);
    co_await ledger_.join();
    EXPECT_TRUE(job->page.frames.empty());
    EXPECT_FALSE(job->page.is_changed);
  });
}

TEST_F(ledger_test, the_end_is_the_last_write_however_many_changes_come_with_it) {
  run([&]() -> aio::task<> {
    const auto job = co_await added();
    store_.is_held = true;
    ledger_.note(job);
    for (int i = 0; i < 56; ++i)
      spawn_commit(job);
    auto closed = ledger_.close(job, {domain::job_state::succeeded, {}});
    for (int i = 0; i < 56; ++i)
      spawn_commit(job);
    job->revision += 100; // sent to clients, but not stored
    const auto told = job->revision;
    store_.release();
    EXPECT_TRUE(co_await std::move(closed));
    co_await commits_.join();
    co_await ledger_.join();
    EXPECT_EQ(job->state, domain::job_state::succeeded);
    EXPECT_GT(job->revision, told);
    EXPECT_EQ(store_.saved.back().first.revision, job->revision);
    EXPECT_EQ(store_.saved.back().first.state, domain::job_state::succeeded);
    EXPECT_EQ(store_.saved.back().second, durability::durable);
    EXPECT_EQ(outcomes_.size(), 112U);
    for (const auto& one : outcomes_)
      EXPECT_TRUE(one || one.error().code == errc::conflict);
  });
}

TEST_F(ledger_test, a_job_is_as_it_was_until_its_end_is_kept) {
  run([&]() -> aio::task<> {
    const auto job = co_await added();
    store_.is_full = true;
    auto closed = ledger_.close(job, {domain::job_state::succeeded, {}});
    EXPECT_TRUE(job->is_closing());
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    bool is_kept = false;
    group.spawn([](aio::task<bool> end, bool& kept) -> aio::task<> {
      kept = co_await std::move(end);
    }(std::move(closed), is_kept));
    co_await turn();
    EXPECT_EQ(job->state, domain::job_state::queued);
    store_.is_full = false;
    co_await ledger_.wait_closed(job);
    EXPECT_EQ(job->state, domain::job_state::succeeded);
    co_await group.join();
    EXPECT_TRUE(is_kept);
  });
}

TEST_F(ledger_test, an_end_that_cannot_be_kept_is_given_up_at_a_stop) {
  run([&]() -> aio::task<> {
    const auto job = co_await added();
    store_.is_full = true;
    ledger_.stop();
    EXPECT_FALSE(co_await ledger_.close(job, {domain::job_state::succeeded, {}}));
    EXPECT_FALSE(job->is_closing());
    EXPECT_EQ(job->state, domain::job_state::queued);
  });
}

TEST_F(ledger_test, a_store_that_throws_leaves_no_job_between_two_states) {
  run([&]() -> aio::task<> {
    const auto job = co_await added();
    store_.throws = true;
    auto closed = ledger_.close(job, {domain::job_state::succeeded, {}});
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    bool is_kept = false;
    group.spawn([](aio::task<bool> end, bool& kept) -> aio::task<> {
      kept = co_await std::move(end);
    }(std::move(closed), is_kept));
    spawn_commit(job);
    co_await turn();
    store_.throws = false;
    co_await ledger_.wait_closed(job);
    co_await group.join();
    co_await commits_.join();
    EXPECT_TRUE(is_kept);
    EXPECT_EQ(job->state, domain::job_state::succeeded);
    EXPECT_EQ(outcomes_.size(), 1U);
  });
}

TEST_F(ledger_test, a_commit_is_answered_when_the_end_cannot_be_kept) {
  run([&]() -> aio::task<> {
    const auto job = co_await added();
    store_.is_held = true;
    ledger_.note(job);
    spawn_commit(job); // waits for the next write, which is that of the end
    auto closed = ledger_.close(job, {domain::job_state::succeeded, {}});
    aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
    group.spawn([](aio::task<bool> end) -> aio::task<> { (void)co_await std::move(end); }(std::move(closed)));
    store_.is_full = true;
    store_.release();
    co_await commits_.join();
    EXPECT_TRUE(job->is_closing());
    EXPECT_EQ(outcomes_.front().error().code, errc::unavailable);
    store_.is_full = false;
    co_await group.join();
  });
}

TEST_F(ledger_test, a_store_that_throws_leaves_no_commit_waiting) {
  run([&]() -> aio::task<> {
    const auto job = co_await added();
    store_.throws = true;
    frame_done(*job, 1);
    EXPECT_EQ((co_await ledger_.commit(job, durability::durable)).error().code, errc::unavailable);
    store_.throws = false;
    EXPECT_TRUE(co_await ledger_.commit(job, durability::durable));
    EXPECT_EQ(co_await kept_frames(job->id), "1");
  });
}

} // namespace
} // namespace kiln::scheduler
