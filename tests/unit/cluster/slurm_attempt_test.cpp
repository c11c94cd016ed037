// SPDX-License-Identifier: Apache-2.0
// Attempts on a cluster: the usual course, and stops in each phase.
#include "unit/cluster/slurm_attempt_fixture.hpp"

#include <algorithm>
#include <future>

namespace kiln::cluster {
namespace {

TEST_F(slurm_attempt_test, a_task_for_each_frame_while_nothing_is_known_and_all_are_published) {
  live([this](slurm_attempt&) -> aio::task<> {
    co_await begin_to_run();
    for (const int task : {2, 1, 3})
      finish(task);
  });
  ASSERT_TRUE(facts_);
  EXPECT_EQ(facts_->published, frames("1-3"));
  EXPECT_TRUE(facts_->lost) << "no single exit says how it ended";
  EXPECT_TRUE(facts_->complaints.empty() && seen_.failed.empty());
  EXPECT_EQ(seen_.runs, 1);
  ASSERT_EQ(slurm_.asked("sbatch").size(), 1U);
  EXPECT_NE(slurm_.asked("sbatch").front().find("--array=1-3"), std::string::npos);
  EXPECT_TRUE(slurm_.asked("scancel").empty());
}

TEST_F(slurm_attempt_test, looks_that_come_together_take_each_frame_once) {
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await begin_to_run();
    attempt.set_priority(50);
    for (int i = 0; i < 100; ++i) // while an earlier one still reads the files
      look();
    co_await look_until(is_asked("scontrol update JobId=7"));
    for (const int task : {1, 2, 3})
      finish(task);
    for (int i = 0; i < 100; ++i)
      look();
  });
  std::ranges::sort(seen_.published);
  EXPECT_EQ(seen_.published, (std::vector{1, 2, 3}));
  EXPECT_EQ(slurm_.asked("scontrol").size(), 1U);
  EXPECT_EQ(facts_->rendered_twice, 0);
}

// ── Stopped in each phase

TEST_F(slurm_attempt_test, a_stop_while_its_files_are_made_submits_nothing) {
  live([](slurm_attempt& attempt) -> aio::task<> {
    attempt.stop(stop_reason::cancel);
    co_return;
  });
  EXPECT_EQ(facts_->stopped, stop_reason::cancel);
  EXPECT_TRUE(slurm_.asked("").empty());
}

TEST_F(slurm_attempt_test, a_stop_while_sbatch_is_asked_cancels_what_it_has_submitted) {
  slurm_.hold("sbatch");
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await wait_until(is_asked("sbatch"));
    attempt.stop(stop_reason::cancel);
    co_await look_times(3);
    EXPECT_FALSE(is_over_) << "what sbatch does is not known yet";
    slurm_.let_go("sbatch");
  });
  EXPECT_EQ(slurm_.asked("scancel"), calls{"scancel 7"});
  EXPECT_EQ(facts_->stopped, stop_reason::cancel);
}

TEST_F(slurm_attempt_test, a_stop_while_it_waits_cancels_all_of_it) {
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await wait_until(is_asked("sbatch"));
    show("1-3", task_state::waiting);
    co_await look_times(3);
    attempt.stop(stop_reason::cancel);
  });
  EXPECT_EQ(slurm_.asked("scancel"), calls{"scancel 7"});
  EXPECT_EQ(seen_.runs, 0);
}

TEST_F(slurm_attempt_test, a_stop_while_it_renders_takes_what_is_whole) {
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await begin_to_run();
    finish(2);
    attempt.stop(stop_reason::cancel);
  });
  EXPECT_EQ(facts_->published, frames("2"));
  EXPECT_EQ(slurm_.asked("scancel"), calls{"scancel 7"});
  EXPECT_TRUE(seen_.failed.empty());
}

TEST_F(slurm_attempt_test, a_stop_that_slurm_does_not_take_is_repeated_until_it_does) {
  slurm_.let("scancel", "scancel: error: Unable to contact slurm controller\n", 1);
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await begin_to_run();
    attempt.stop(stop_reason::cancel);
    co_await look_until(is_asked("scancel", 2));
    EXPECT_FALSE(is_over_) << "it renders on";
    EXPECT_NE(attempt.trouble().find("does not cancel"), std::string::npos) << attempt.trouble();
    slurm_.let("scancel", "");
  });
  EXPECT_EQ(slurm_.asked("scancel").back(), "scancel 7");
}

TEST_F(slurm_attempt_test, a_shutdown_does_not_wait_for_slurm) {
  slurm_.let("scancel", "scancel: error: Unable to contact slurm controller\n", 1);
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await begin_to_run();
    attempt.stop(stop_reason::shutdown);
  });
  EXPECT_EQ(slurm_.asked("scancel").size(), 1U);
}

TEST_F(slurm_attempt_test, a_stop_reaches_slurm_while_the_shared_disk_does_not_answer) {
  for (const auto why : {stop_reason::cancel, stop_reason::timeout, stop_reason::shutdown}) {
    const auto before = slurm_.asked("scancel").size();
    seen_.runs = 0;
    forget();
    live([&](slurm_attempt& attempt) -> aio::task<> {
      const auto is_submitted = [this] { return fs::exists(array_directory(1) / "slurm_job"); };
      co_await wait_until(is_submitted);
      co_await begin_to_run();
      std::promise<bool> answers;
      aio::task_group disk{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
      const auto hang = [this, held = answers.get_future().share()]() -> aio::task<> {
        const auto hang_here = [held] { return held.get(); };
        (void)co_await pool_.run(hang_here);
      };
      disk.spawn(hang());
      look(); // its step waits for the disk from here on
      attempt.stop(why);
      co_await wait_until(is_asked("scancel", before + 1));
      co_await look_times(3);
      EXPECT_FALSE(is_over_) << "frames that are whole count, and only the disk knows them";
      answers.set_value(true);
      co_await disk.join();
    });
    EXPECT_EQ(slurm_.asked("scancel").size(), before + 1);
    EXPECT_EQ(facts_->stopped, why);
    run([this]() -> aio::task<> { co_await make()->clean_up(); });
  }
}

TEST_F(slurm_attempt_test, a_stop_in_doubt_waits_until_the_queue_shows_what_sbatch_has_done) {
  slurm_.let("sbatch", "sbatch: error: Unable to contact slurm controller\n", 1);
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await wait_until(is_asked("sbatch"));
    attempt.stop(stop_reason::cancel);
    const slurm::array_name name{request_.id, 1};
    queue_.array_of_name.emplace(name.str(), 9);
    show("1-3", task_state::running, 9);
  });
  EXPECT_EQ(slurm_.asked("scancel"), calls{"scancel 9"});
}

TEST_F(slurm_attempt_test, a_pause_keeps_back_what_waits_and_lets_frames_end) {
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await wait_until(is_asked("sbatch"));
    show("1", task_state::running);
    show("2-3", task_state::waiting);
    run_of(1).load();
    const auto runs = [this] { return seen_.runs > 0; };
    co_await look_until(runs);
    attempt.stop(stop_reason::pause);
    co_await look_until(is_asked("scancel"));
    co_await look_times(3);
    EXPECT_FALSE(is_over_) << "a frame is being rendered";
    finish(1);
    forget();
  });
  EXPECT_EQ(slurm_.asked("scancel").front(), "scancel --state=PENDING 7_2 7_3");
  EXPECT_EQ(facts_->published, frames("1"));
  EXPECT_TRUE(seen_.failed.empty());
}

TEST_F(slurm_attempt_test, its_time_and_its_patience_count_from_its_first_task) {
  request_.time_left = 100ms;
  live([this](slurm_attempt&) -> aio::task<> { co_await begin_to_run(); });
  EXPECT_EQ(facts_->stopped, stop_reason::timeout);
  EXPECT_EQ(slurm_.asked("scancel"), calls{"scancel 7"});
}

TEST_F(slurm_attempt_test, a_task_without_a_sign_of_life_is_ended_alone) {
  request_.patience = 100ms;
  seen_.tries_again = false;
  live([this](slurm_attempt&) -> aio::task<> {
    co_await begin_to_run();
    finish(1);
    finish(3);
    show("1,3", task_state::completed);
    co_await look_until(is_asked("scancel 7_2"));
    show("2", task_state::cancelled);
  });
  EXPECT_EQ(facts_->published, frames("1,3"));
  ASSERT_EQ(seen_.failed.size(), 1U);
  EXPECT_EQ(seen_.failed[0].stopped, stop_reason::stall);
}

} // namespace
} // namespace kiln::cluster
