// SPDX-License-Identifier: Apache-2.0
// When a frame of a task is taken, and what the end of a task says. What happens to whole attempts is in
// slurm_attempt_test.cpp; when a task is over is in tests/unit/slurm/task_end_test.cpp.
#include "cluster/slurm_task.hpp"
#include "support/fake_slurm.hpp"
#include "support/loop.hpp"
#include "support/temp_directory.hpp"

namespace kiln::cluster {
namespace {

using namespace std::chrono_literals;
using domain::failure_kind;
using slurm::task_end;
using slurm::task_state;

struct told_image final : image::image_check {
  aio::task<result<image::image_facts>> check(int) override {
    ++asked;
    co_return says;
  }
  result<image::image_facts> says = image::image_facts{
      .format = "PNG", .width = 8, .height = 8, .channels = 4, .type = "uint8", .layers = {}};
  int asked = 0;
};

class slurm_task_test : public tests::loop_test {
protected:
  slurm_task_test() {
    std::filesystem::create_directories(dir_ / "final");
    told_.on_frame = [this](const slurm_task::news& news) { published_.push_back(news.frame.frame); };
    told_.on_report = [](const blender::scene_report&) {};
    told_.on_warning = [](const domain::warning&) {};
  }

  /// As the attempt does at each look.
  void look() {
    run([this]() -> aio::task<> {
      auto runs = look_at_runs(dir_.path(), {1}, task_.log_positions());
      for (auto& one : runs)
        co_await task_.take(std::move(one));
    });
  }

  void see(task_state state, int looks = 2) {
    slurm::queue_row row;
    row.state = state;
    row.node = "n1";
    for (int i = 0; i < looks; ++i)
      task_.see(&row, aio::clock::now());
  }

  [[nodiscard]] task_end end() const { return task_.decide(aio::clock::now(), 1h); }
  [[nodiscard]] tests::fake_run run_of(int restart = 0) const { return {dir_.path(), {1, 100, restart}}; }

  tests::temp_directory dir_;
  told_image images_;
  aio::blocking_pool pool_{1};
  slurm_task::listener told_;
  std::vector<int> published_;
  slurm_task task_{pool_, images_, dir_.path(), dir_ / "final", *domain::frame_set::range(1, 3), told_};
};

TEST_F(slurm_task_test, a_frame_is_taken_once_blender_is_done_with_it) {
  const auto on_node = run_of();
  on_node.load();
  on_node.render(1, "half");
  look();
  EXPECT_EQ(images_.asked, 0) << "it may still be written";
  on_node.render(1, "half, and more");
  look();
  EXPECT_EQ(images_.asked, 0) << "it has grown";
  on_node.render(2);
  look();
  EXPECT_EQ(published_, std::vector{1}) << "the next one has begun";
  look();
  EXPECT_EQ(published_, (std::vector{1, 2})) << "nothing happens to it any more";
  on_node.render(3);
  on_node.end(0, {1, 2, 3});
  look();
  EXPECT_EQ(published_, (std::vector{1, 2, 3})) << "Blender has ended";
  EXPECT_EQ(end(), task_end::exited);
}

TEST_F(slurm_task_test, one_that_is_not_whole_is_looked_at_again_at_the_end) {
  images_.says = error{errc::corrupt, "PNG: it ends in the middle"};
  const auto on_node = run_of();
  on_node.render(1);
  for (int i = 0; i < 5; ++i)
    look();
  EXPECT_EQ(images_.asked, 1) << "not at each look";
  ASSERT_EQ(task_.facts().rejected.size(), 1U);
  images_.says = told_image{}.says;
  on_node.end(0, {1});
  look();
  EXPECT_EQ(published_, std::vector{1});
  EXPECT_TRUE(task_.facts().rejected.empty());
}

TEST_F(slurm_task_test, frames_of_others_and_files_that_are_no_frames_are_left_alone) {
  const auto on_node = run_of();
  on_node.render(4);
  dir_.write("run-1-100-0/core", "x");
  on_node.end(0);
  look();
  EXPECT_TRUE(published_.empty());
  EXPECT_EQ(images_.asked, 0);
}

TEST_F(slurm_task_test, a_log_that_comes_in_pieces_is_read_once) {
  const auto on_node = run_of();
  on_node.print("Fra:1 Mem:8.00M (Peak 9.00M) | Time:00:00.10 | Scene, ViewLayer | Sample 1/4\n");
  look();
  ASSERT_TRUE(task_.progress());
  EXPECT_EQ(task_.progress()->frame, 1);
  const auto at = task_.log_positions().begin()->second;
  look();
  EXPECT_EQ(task_.log_positions().begin()->second, at);
  on_node.print("Fra:2 Mem:8.00M (Peak 9.00M) | Time:00:00.10 | Scene, View");
  look();
  EXPECT_EQ(task_.progress()->frame, 1) << "not a line yet";
  on_node.print("Layer | Sample 1/4\n");
  look();
  EXPECT_EQ(task_.progress()->frame, 2);
}

TEST_F(slurm_task_test, what_the_lost_run_has_ended_well_counts) {
  run_of(0).load();
  run_of(1).load(); // begun again, since the node was taken for lost
  look();
  see(task_state::running);
  EXPECT_EQ(end(), task_end::none);
  for (const int frame : {1, 2, 3})
    run_of(0).render(frame);
  run_of(0).end(0, {1, 2, 3});
  look();
  EXPECT_EQ(end(), task_end::exited);
  task_.conclude(end(), "", "7_1");
  EXPECT_TRUE(task_.facts().exit->is_success());
}

TEST_F(slurm_task_test, its_end_names_the_task_and_the_cause) {
  const struct {
    task_end how;
    failure_kind kind;
    const char* says;
  } table[]{{task_end::cancelled, failure_kind::killed, "scancel"},
            {task_end::timed_out, failure_kind::killed, "time limit"},
            {task_end::out_of_memory, failure_kind::out_of_memory, "memory"},
            {task_end::without_trace, failure_kind::internal, "disk on fire"},
            {task_end::unknown, failure_kind::internal, "does not know"}};
  for (const auto& [how, kind, says] : table) {
    slurm_task task{pool_, images_, dir_.path(), dir_ / "final", *domain::frame_set::range(1, 3), told_};
    task.conclude(how, "disk on fire", "7_1");
    ASSERT_EQ(task.facts().complaints.size(), 1U) << says;
    EXPECT_EQ(task.facts().complaints[0].kind, kind) << says;
    EXPECT_NE(task.facts().complaints[0].message.find(says), std::string::npos)
        << task.facts().complaints[0].message;
    EXPECT_NE(task.facts().complaints[0].message.find("7_1"), std::string::npos);
    EXPECT_TRUE(task.facts().lost && !task.facts().exit);
  }
}

TEST_F(slurm_task_test, blender_that_is_not_on_the_node_is_told_as_that) {
  run_of().end(127);
  look();
  EXPECT_EQ(end(), task_end::exited);
  task_.conclude(task_end::exited, "", "7_1");
  ASSERT_EQ(task_.facts().complaints.size(), 1U);
  EXPECT_EQ(task_.facts().complaints[0].kind, failure_kind::blender_missing);
  EXPECT_NE(task_.facts().complaints[0].message.find("n1"), std::string::npos);
}

TEST_F(slurm_task_test, what_an_interrupted_task_complained_of_is_its_nodes) {
  run_of().print("Error: Out of memory\n");
  look();
  see(task_state::interrupted);
  EXPECT_EQ(end(), task_end::interrupted);
  task_.conclude(end(), "", "7_1");
  EXPECT_TRUE(task_.facts().complaints.empty());
}

} // namespace
} // namespace kiln::cluster
