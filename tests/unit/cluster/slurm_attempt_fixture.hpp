// SPDX-License-Identifier: Apache-2.0
// An attempt on a cluster. The test updates the queue itself; Slurm's programs are
// tests/support/fake_slurm.hpp. Whole daemons over a simulated Slurm are in tests/contract, and a real Slurm
// is in tests/cluster.
#pragma once

#include "aio/task_group.hpp"
#include "cluster/slurm_attempt.hpp"
#include "support/fake_slurm.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kiln::cluster {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using domain::failure_kind;
using domain::stop_reason;
using slurm::task_state;
using calls = std::vector<std::string>;

inline constexpr std::uint64_t first_id = 7;

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
    return std::make_unique<slurm_attempt>(executor(), settings_, pool_, images_, commands_, queue_, "owner",
                                           request_, seen_);
  }

  /// Runs an attempt to its end, and `meanwhile` beside it.
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

  /// Polls the queue until the condition holds.
  aio::task<> look_until(std::function<bool()> condition) { return until(std::move(condition), true); }
  /// Does not poll the queue meanwhile.
  aio::task<> wait_until(std::function<bool()> condition) { return until(std::move(condition), false); }
  aio::task<> until(std::function<bool()> condition, bool polls) {
    const auto deadline = aio::clock::now() + 20s;
    while (!condition() && aio::clock::now() < deadline) {
      if (polls)
        look();
      aio::timer t{executor(), 1ms};
      co_await t.async_wait(aio::use_task);
    }
    EXPECT_TRUE(condition()) << "not in time";
  }

  /// Polls the queue so many times; the attempt has acted on each poll before the next.
  aio::task<> look_times(std::uint64_t times) {
    const auto enough = [this, end = queue_.number + times] { return queue_.number >= end; };
    co_await look_until(enough);
  }

  void look() {
    ++queue_.number;
    queue_.looked.notify_all();
  }

  /// Changes the state in which squeue shows these tasks.
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

  /// Waits for the submission, and runs the tasks on their nodes.
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
  aio::blocking_pool command_pool_{1};
  slurm_commands commands_{executor(), command_pool_, settings_};
  queue_look queue_{executor()};
  std::optional<domain::attempt_facts> facts_;
  bool is_over_ = false;
};

} // namespace kiln::cluster
