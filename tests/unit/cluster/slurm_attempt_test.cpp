// SPDX-License-Identifier: Apache-2.0
// An attempt on a cluster by each thing that can happen to it. Looks at the queue are the test's, Slurm's
// programs are tests/support/fake_slurm.hpp. Whole daemons over a simulated Slurm are in tests/contract, and
// a real Slurm is in tests/cluster.
#include "aio/task_group.hpp"
#include "cluster/slurm_attempt.hpp"
#include "support/fake_slurm.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <algorithm>
#include <csignal>

namespace kiln::cluster {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using domain::failure_kind;
using domain::stop_reason;
using slurm::task_state;
using calls = std::vector<std::string>;

constexpr std::uint64_t first_id = 7;

struct whole_images final : image::image_check {
  aio::task<result<image::image_facts>> check(int) override {
    co_return image::image_facts{
        .format = "PNG", .width = 8, .height = 8, .channels = 4, .type = "uint8", .layers = {}};
  }
};

struct seen_attempt final : executor::attempt_observer {
  void on_adopted(const attempt_id&, pid_t) override {}
  void on_progress(const attempt_id&, const blender::frame_progress&) override {}
  void on_output(const attempt_id&, std::string_view text) override { output += text; }
  void on_report(const attempt_id&, const blender::scene_report&) override {}
  void on_warning(const attempt_id&, const domain::warning& what) override { warnings.push_back(what.kind); }
  void on_published(const attempt_id&, const executor::published_frame& frame) override {
    published.push_back(frame.frame);
  }
  void on_running(const attempt_id&) override { ++runs; }
  domain::frame_set on_task_failed(const attempt_id&, const domain::attempt_facts& facts) override {
    failed.push_back(facts);
    return tries_again ? facts.requested.without(facts.published) : domain::frame_set{};
  }
  void on_end(const attempt_id&, const domain::attempt_facts&) override {}

  std::string output;
  std::vector<std::string> warnings;
  std::vector<int> published;
  std::vector<domain::attempt_facts> failed;
  int runs = 0;
  bool tries_again = true;
};

class slurm_attempt_test : public tests::loop_test {
protected:
  slurm_attempt_test() {
    slurm_.let("sbatch", "7\n");
    request_.id = {*job_id::parse("j0123456789abcdefgh"), 1};
    request_.spec.blend = dir_.write("scene.blend", "BLENDER-v304");
    request_.spec.blender = "default";
    request_.spec.frames = request_.frames = *domain::frame_set::range(1, 3);
  }

  std::unique_ptr<slurm_attempt> make() {
    return std::make_unique<slurm_attempt>(settings_, pool_, images_, commands_, queue_, "owner", request_,
                                           seen_);
  }

  /// Lives as long as `meanwhile` takes, and to its end.
  void live(std::function<aio::task<>(slurm_attempt&)> meanwhile,
            slurm_attempt::beginning how = slurm_attempt::beginning::launch) {
    const auto attempt = make();
    is_over_ = false;
    facts_.reset();
    run([&]() -> aio::task<> {
      aio::task_group group{executor(), [](const std::exception_ptr& e) { std::rethrow_exception(e); }};
      group.spawn(live_into_facts(*attempt, how));
      co_await meanwhile(*attempt);
      const auto over = [this] { return is_over_; };
      co_await look_until(over);
      if (!is_over_)
        attempt->leave();
      co_await group.join();
    });
  }

  aio::task<> live_into_facts(slurm_attempt& attempt, slurm_attempt::beginning how) {
    facts_ = co_await attempt.run(how);
    is_over_ = true;
  }

  /// The queue is looked at again and again.
  aio::task<> look_until(std::function<bool()> condition) {
    const auto deadline = aio::clock::now() + 20s;
    while (!condition() && aio::clock::now() < deadline) {
      look();
      aio::timer t{executor(), 1ms};
      co_await t.async_wait(aio::use_task);
    }
    EXPECT_TRUE(condition()) << "not in time";
  }

  /// Nobody looks at the queue.
  aio::task<> wait_until(std::function<bool()> condition) {
    const auto deadline = aio::clock::now() + 20s;
    while (!condition() && aio::clock::now() < deadline) {
      aio::timer t{executor(), 1ms};
      co_await t.async_wait(aio::use_task);
    }
    EXPECT_TRUE(condition()) << "not in time";
  }

  /// So many more looks; the attempt has carried out what follows from the first of them before the second.
  aio::task<> look_times(std::uint64_t times) {
    const auto enough = [this, end = queue_.number + times] { return queue_.number >= end; };
    co_await look_until(enough);
  }

  void look() {
    ++queue_.number;
    queue_.looked.notify_all();
  }

  /// What squeue shows of tasks from now on.
  void show(const std::string& tasks, task_state state, std::uint64_t id = first_id,
            std::string reason = {}) {
    const auto frames = *domain::frame_set::parse(tasks);
    auto& rows = queue_.by_array[id];
    for (const int task : frames) {
      std::erase_if(rows, [task](const auto& row) { return row.tasks.contains(task); });
      slurm::queue_row row;
      row.array = id;
      row.tasks.add(task);
      row.state = state;
      row.node = state == task_state::waiting ? "" : "n1";
      row.reason = reason;
      rows.push_back(std::move(row));
    }
  }
  void forget(std::uint64_t id = first_id) { queue_.by_array.erase(id); }

  tests::fake_run run_of(int task, int restart = 0, int array = 1) const {
    return {array_directory(array), {task, first_id + static_cast<std::uint64_t>(task), restart}};
  }

  [[nodiscard]] fs::path array_directory(int number) const {
    return executor::paths_of(request_.id, settings_.output, settings_.state).workspace /
           std::to_string(number);
  }

  std::function<bool()> is_asked(std::string beginning, std::size_t times = 1) const {
    return
        [this, beginning = std::move(beginning), times] { return slurm_.asked(beginning).size() >= times; };
  }

  std::function<bool()> are_published(std::size_t count) const {
    return [this, count] { return seen_.published.size() >= count; };
  }

  /// Submitted, and its tasks run on their nodes.
  aio::task<> begin_to_run() {
    co_await wait_until(is_asked("sbatch"));
    show("1-3", task_state::running);
    for (const int task : {1, 2, 3})
      run_of(task).load();
    const auto runs = [this] { return seen_.runs > 0; };
    co_await look_until(runs);
  }

  void finish(int task) const {
    run_of(task).render(task);
    run_of(task).end(0, {task});
  }

  static domain::frame_set frames(const char* text) { return *domain::frame_set::parse(text); }

  tests::temp_directory dir_;
  tests::fake_slurm slurm_{dir_ / "programs"};
  slurm_settings settings_{.programs = slurm_.programs(),
                           .blenders = {{"default", "/usr/bin/blender", "Blender 3.4.1"}},
                           .output = dir_ / "out",
                           .state = dir_ / "state",
                           .environment = {"PATH=/usr/bin:/bin"},
                           .site_template = {},
                           .options = {},
                           .lag = 50ms};
  executor::attempt_request request_;
  seen_attempt seen_;
  whole_images images_;
  aio::blocking_pool pool_{1};
  slurm_commands commands_{executor(), pool_, settings_};
  queue_look queue_{executor()};
  std::optional<domain::attempt_facts> facts_;
  bool is_over_ = false;
};

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
  request_.frames = frames("2-3"); // the scheduler has what was published
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
