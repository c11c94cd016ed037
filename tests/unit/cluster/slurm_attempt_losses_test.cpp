// SPDX-License-Identifier: Apache-2.0
// Attempts on a cluster: lost and late tasks, refusals of Slurm, and restarts of kilnd.
#include "unit/cluster/slurm_attempt_fixture.hpp"

#include <algorithm>
#include <csignal>

namespace kiln::cluster {
namespace {

// ── Lost, late, and twice

TEST_F(slurm_attempt_test, frames_of_a_task_that_lost_its_node_go_to_slurm_again) {
  for (const bool is_forgotten : {false, true}) {
    SCOPED_TRACE(is_forgotten ? "gone from the queue" : "NODE_FAIL");
    const auto before = slurm_.asked("sbatch").size();
    seen_ = {};
    forget();
    slurm_.let("sbatch", "7\n");
    live([&](slurm_attempt&) -> aio::task<> {
      const auto is_submitted = [this] { return fs::exists(array_directory(1) / "slurm_job"); };
      co_await wait_until(is_submitted);
      slurm_.let("sbatch", "8\n");
      show("1-3", task_state::running);
      for (const int task : {1, 3}) {
        run_of(task).load();
        finish(task);
      }
      run_of(2).load();
      co_await look_until(are_published(2));
      if (is_forgotten)
        forget();
      else
        show("2", task_state::interrupted);
      co_await look_until(is_asked("sbatch", before + 2));
      show("1", task_state::running, 8);
      const tests::fake_run again{array_directory(2), {1, 100, 0}};
      again.load();
      again.render(2);
      again.end(0, {2});
    });
    EXPECT_EQ(facts_->published, frames("1-3"));
    ASSERT_EQ(seen_.failed.size(), 1U);
    EXPECT_EQ(seen_.failed[0].requested, frames("2"));
    EXPECT_TRUE(seen_.failed[0].lost);
    EXPECT_TRUE(seen_.failed[0].complaints.empty()) << seen_.failed[0].complaints[0].message;
    EXPECT_NE(slurm_.asked("sbatch").back().find("--array=1-1"), std::string::npos)
        << slurm_.asked("sbatch").back();
    run([this]() -> aio::task<> { co_await make()->clean_up(); });
  }
}

TEST_F(slurm_attempt_test, a_frame_that_comes_after_the_end_of_its_task_is_taken) {
  settings_.lag = 1h;
  live([this](slurm_attempt&) -> aio::task<> {
    co_await begin_to_run();
    finish(1);
    finish(3);
    run_of(2).end(0, std::vector{2}); // the file system shows the frame later
    show("1-3", task_state::completed);
    co_await look_until(are_published(2));
    co_await look_times(5);
    EXPECT_FALSE(is_over_);
    EXPECT_TRUE(seen_.failed.empty());
    run_of(2).render(2);
  });
  EXPECT_EQ(facts_->published, frames("1-3"));
  EXPECT_TRUE(seen_.failed.empty());
}

TEST_F(slurm_attempt_test, a_frame_that_does_not_come_in_time_is_missing) {
  seen_.tries_again = false;
  live([this](slurm_attempt&) -> aio::task<> {
    co_await begin_to_run();
    finish(1);
    finish(3);
    run_of(2).end(0, std::vector{2});
    show("1-3", task_state::completed);
  });
  EXPECT_EQ(facts_->published, frames("1,3"));
  ASSERT_EQ(seen_.failed.size(), 1U);
  EXPECT_TRUE(seen_.failed[0].exit && seen_.failed[0].exit->is_success());
  EXPECT_TRUE(seen_.failed[0].published.empty());
}

TEST_F(slurm_attempt_test, a_frame_that_two_runs_have_rendered_counts_once) {
  live([this](slurm_attempt&) -> aio::task<> {
    co_await begin_to_run();
    finish(1);
    finish(3);
    run_of(2, 1).load(); // Slurm has taken the node of the first for lost
    co_await look_times(2);
    run_of(2, 1).render(2, "second");
    run_of(2).render(2, "first");
    run_of(2).end(0, std::vector{2});
    co_await look_until(are_published(3));
    run_of(2, 1).end(0, std::vector{2});
    show("1-3", task_state::completed);
  });
  std::ranges::sort(seen_.published);
  EXPECT_EQ(seen_.published, (std::vector{1, 2, 3}));
  EXPECT_EQ(facts_->rendered_twice, 1);
  EXPECT_EQ(dir_.read("out/" + request_.id.job.str() + "/" + tests::fake_run::frame_name(2)), "first");
}

TEST_F(slurm_attempt_test, a_task_that_ends_without_a_word_says_what_its_script_has_complained_of) {
  seen_.tries_again = false;
  live([this](slurm_attempt&) -> aio::task<> {
    co_await wait_until(is_asked("sbatch"));
    show("1-3", task_state::failed);
    std::ofstream{array_directory(1) / "task-2.out"} << "bash: /shared/out: No such file or directory\n";
  });
  ASSERT_EQ(seen_.failed.size(), 3U);
  for (const auto& facts : seen_.failed) {
    ASSERT_FALSE(facts.complaints.empty());
    const bool has_complained = facts.requested == frames("2");
    EXPECT_NE(facts.complaints[0].message.find(has_complained ? "No such file" : "is the output directory"),
              std::string::npos)
        << facts.complaints[0].message;
  }
}

TEST_F(slurm_attempt_test, what_an_operator_cancels_as_a_whole_is_not_tried_again) {
  live([this](slurm_attempt&) -> aio::task<> {
    co_await begin_to_run();
    show("1-3", task_state::cancelled);
  });
  EXPECT_EQ(facts_->exit, (domain::process_exit{domain::process_exit::how::signaled, SIGTERM}));
  EXPECT_TRUE(seen_.failed.empty());
}

TEST_F(slurm_attempt_test, a_task_that_its_node_could_not_start_is_released_three_times_at_most) {
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await wait_until(is_asked("sbatch"));
    show("1-3", task_state::waiting, first_id, "launch failed requeued held");
    co_await look_until(is_asked("scontrol release 7_1", 3));
    co_await look_times(20);
    attempt.stop(stop_reason::cancel);
  });
  EXPECT_EQ(slurm_.asked("scontrol release 7_1").size(), 3U);
}

// ── What Slurm refuses

TEST_F(slurm_attempt_test, a_field_that_the_site_does_not_have_fails_the_attempt) {
  slurm_.let("sbatch", "sbatch: error: invalid partition specified: gpu\n", 1);
  live([](slurm_attempt&) -> aio::task<> { co_return; });
  ASSERT_TRUE(facts_->start_failure);
  EXPECT_EQ(facts_->start_failure->kind, failure_kind::invalid_setting);
  EXPECT_NE(facts_->start_failure->message.find("invalid partition"), std::string::npos);
}

TEST_F(slurm_attempt_test, an_array_that_is_too_large_goes_in_halves) {
  slurm_.let("sbatch", "sbatch: error: Batch job submission failed: Invalid job array specification\n", 1);
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await look_until(is_asked("sbatch", 2));
    attempt.stop(stop_reason::cancel);
  });
  EXPECT_NE(slurm_.asked("sbatch")[0].find("--array=1-3"), std::string::npos);
  EXPECT_NE(slurm_.asked("sbatch")[1].find("--array=1-1"), std::string::npos) << slurm_.asked("sbatch")[1];
}

TEST_F(slurm_attempt_test, what_never_came_is_submitted_again) {
  slurm_.let("sbatch", "sbatch: error: Unable to contact slurm controller\n", 1);
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await wait_until(is_asked("sbatch"));
    const auto has_trouble = [&attempt] { return !attempt.trouble().empty(); };
    co_await wait_until(has_trouble);
    slurm_.let("sbatch", "7\n");
    co_await look_until(is_asked("sbatch", 2));
    show("1-3", task_state::running);
    for (const int task : {1, 2, 3})
      finish(task);
    const auto is_well = [&attempt] { return attempt.trouble().empty(); };
    co_await look_until(is_well);
  });
  EXPECT_EQ(facts_->published, frames("1-3"));
  EXPECT_EQ(slurm_.asked("sbatch").size(), 2U);
}

// ── Over a restart of kilnd

TEST_F(slurm_attempt_test, what_was_left_goes_on_by_its_files) {
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await begin_to_run();
    finish(1);
    co_await look_until(are_published(1));
    attempt.leave();
  });
  EXPECT_FALSE(facts_) << "nothing is told of it";
  EXPECT_TRUE(slurm_.asked("scancel").empty());
  for (const int task : {2, 3})
    finish(task);
  request_.frames = frames("2-3"); // the scheduler has the published frame
  live([](slurm_attempt&) -> aio::task<> { co_return; }, slurm_attempt::beginning::adopt);
  ASSERT_TRUE(facts_);
  EXPECT_EQ(facts_->published, frames("2-3"));
  EXPECT_EQ(slurm_.asked("sbatch").size(), 1U) << "the tasks of the life before";
  EXPECT_TRUE(seen_.failed.empty());
}

TEST_F(slurm_attempt_test, an_array_whose_number_was_not_kept_is_found_by_its_name) {
  live([this](slurm_attempt& attempt) -> aio::task<> {
    co_await begin_to_run();
    attempt.leave();
  });
  fs::remove(array_directory(1) / "slurm_job"); // kilnd was killed before it was written
  const slurm::array_name name{request_.id, 1};
  queue_.array_of_name.emplace(name.str(), first_id);
  live(
      [this](slurm_attempt& attempt) -> aio::task<> {
        co_await look_times(3);
        attempt.stop(stop_reason::cancel);
      },
      slurm_attempt::beginning::adopt);
  EXPECT_EQ(slurm_.asked("scancel"), calls{"scancel 7"});
  EXPECT_EQ(slurm_.asked("sbatch").size(), 1U);
}

} // namespace
} // namespace kiln::cluster
