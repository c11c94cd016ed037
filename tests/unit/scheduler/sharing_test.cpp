// SPDX-License-Identifier: Apache-2.0
// Jobs that several Blenders render at once.
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

using domain::job_state;
using domain::process_exit;
using frame_list = std::vector<int>;

constexpr process_exit success{process_exit::how::exited, 0};
constexpr process_exit crash{process_exit::how::signaled, SIGSEGV};

class sharing_test : public tests::loop_test {
protected:
  void make(std::size_t slots, bool has_many_tasks = false) {
    settings s;
    attempts_.has_many_tasks = has_many_tasks;
    s.capacity.slots = slots;
    s.cores = 8;
    scheduler_.emplace(executor(), attempts_, attempts_, store_, s, log_);
  }
  aio::task<scheduler::job_ptr> submitted(const char* wanted, int processes, int retries = 0) {
    domain::job_spec spec;
    spec.blend = "/a.blend";
    spec.frames = *domain::frame_set::parse(wanted);
    spec.processes = processes;
    spec.retries = retries;
    auto taken = co_await scheduler_->submit(std::move(spec));
    co_return taken.value();
  }
  aio::task<> settle() {
    aio::timer pause{executor(), std::chrono::milliseconds{2}};
    co_await pause.async_wait(aio::use_task);
  }
  /// Two attempts share the frames 1 to 4; the first one has rendered frame 1, and was given no other.
  aio::task<scheduler::job_ptr> with_a_frame_done() {
    auto job = co_await submitted("1-4", 2);
    attempts_.report(id(job, 1), R"({"version":"3.4"})");
    co_await settle();
    attempts_.publish(id(job, 1), 1);
    co_return job;
  }
  attempt_id id(const scheduler::job_ptr& of, int number) { return {of->id, number}; }

  tests::fake_executor attempts_{executor()};
  tests::fake_job_store store_;
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::null_sink_st>()};
  std::optional<scheduler> scheduler_;
};

TEST_F(sharing_test, frames_are_handed_out_one_by_one) {
  make(3);
  run([&]() -> aio::task<> {
    const auto job = co_await submitted("1-5", 2);
    EXPECT_EQ(attempts_.starts.size(), 1U) << "Blender has yet to say what the .blend is";
    attempts_.report(id(job, 1), R"({"version":"3.4"})");
    co_await settle();
    EXPECT_EQ(attempts_.starts.size(), 2U);
    EXPECT_EQ(attempts_.frames[0], domain::frame_set::of({1}));
    EXPECT_EQ(attempts_.frames[1], domain::frame_set::of({2}));
    EXPECT_EQ(scheduler_->load().running, 2U) << "each holds a slot";
    attempts_.publish(id(job, 2), 2);
    attempts_.hunger(id(job, 2));
    co_await settle();
    attempts_.publish(id(job, 2), 3);
    attempts_.hunger(id(job, 2));
    co_await settle();
    attempts_.publish(id(job, 1), 1);
    attempts_.hunger(id(job, 1));
    co_await settle();
    attempts_.publish(id(job, 1), 5);
    attempts_.hunger(id(job, 1));
    co_await settle();
    const std::vector<std::pair<attempt_id, frame_list>> expected{
        {id(job, 2), {3}}, {id(job, 2), {4}}, {id(job, 1), {5}}, {id(job, 1), {}}};
    EXPECT_EQ(attempts_.gifts, expected);
    attempts_.end(id(job, 1), success);
    EXPECT_EQ(job->state, job_state::running) << "the other one renders still";
    attempts_.publish(id(job, 2), 4);
    attempts_.end(id(job, 2), success);
    co_await settle();
    EXPECT_EQ(job->state, job_state::succeeded);
    EXPECT_EQ(scheduler_->load().running, 0U);
    co_await scheduler_->stop(on_stop::stop);
  });
}

TEST_F(sharing_test, a_crash_between_two_frames_costs_no_frame) {
  make(2);
  run([&]() -> aio::task<> {
    const auto job = co_await with_a_frame_done();
    attempts_.end(id(job, 1), crash); // before it was given another frame
    co_await settle();
    EXPECT_EQ(job->state, job_state::running);
    EXPECT_EQ(attempts_.starts.size(), 3U);
    attempts_.publish(id(job, 3), 3);
    attempts_.hunger(id(job, 3));
    co_await settle();
    attempts_.publish(id(job, 2), 2);
    attempts_.end(id(job, 2), crash);
    co_await settle();
    EXPECT_EQ(job->state, job_state::running) << "the other one renders still";
    attempts_.publish(id(job, 3), 4);
    attempts_.end(id(job, 3), success);
    co_await settle();
    EXPECT_EQ(job->state, job_state::succeeded);
    co_await scheduler_->stop(on_stop::stop);
  });
}

TEST_F(sharing_test, whole_files_of_wrong_pictures_end_the_job_though_others_have_the_rest) {
  make(2);
  run([&]() -> aio::task<> {
    const auto job = co_await with_a_frame_done();
    domain::failure no_camera;
    no_camera.kind = domain::failure_kind::no_camera; // its frame is black
    attempts_.end_with(id(job, 1), no_camera);
    co_await settle();
    attempts_.end(id(job, 2), success, domain::stop_reason::cancel);
    co_await settle();
    EXPECT_EQ(job->state, job_state::failed);
    EXPECT_EQ(job->failure->kind, domain::failure_kind::no_camera);
    co_await scheduler_->stop(on_stop::stop);
  });
}

TEST_F(sharing_test, a_cluster_gets_all_frames_in_one_attempt) {
  make(3, true);
  run([&]() -> aio::task<> {
    const auto job = co_await submitted("1-5", 0);
    EXPECT_EQ(attempts_.frames[0], *domain::frame_set::parse("1-5"));
    attempts_.report(id(job, 1), R"({"version":"3.4"})");
    for (int frame = 1; frame <= 4; ++frame)
      attempts_.publish(id(job, 1), frame);
    co_await settle();
    EXPECT_EQ(attempts_.starts.size(), 1U);
    attempts_.publish(id(job, 1), 5);
    attempts_.end(id(job, 1), success);
    co_await settle();
    EXPECT_EQ(job->state, job_state::succeeded);
    co_await scheduler_->stop(on_stop::stop);
  });
}

TEST_F(sharing_test, what_one_failed_on_the_others_render) {
  make(2);
  run([&]() -> aio::task<> {
    const auto job = co_await submitted("1-3", 2, 1);
    attempts_.report(id(job, 1), R"({"version":"3.4"})");
    co_await settle();
    attempts_.name(id(job, 2), 2);
    attempts_.end(id(job, 2), crash);
    co_await settle();
    EXPECT_EQ(job->state, job_state::running);
    EXPECT_EQ(attempts_.starts.size(), 3U) << "another one takes its place";
    EXPECT_EQ(attempts_.frames[2], domain::frame_set::of({2})) << "what has failed, by itself";
    attempts_.publish(id(job, 1), 1);
    attempts_.hunger(id(job, 1));
    co_await settle();
    EXPECT_EQ(attempts_.gifts.back().second, frame_list{3});
    attempts_.publish(id(job, 1), 3);
    attempts_.publish(id(job, 3), 2);
    attempts_.end(id(job, 1), success);
    attempts_.end(id(job, 3), success);
    co_await settle();
    EXPECT_EQ(job->state, job_state::succeeded);
    EXPECT_EQ(job->frames_done, 3U);
    co_await scheduler_->stop(on_stop::stop);
  });
}

TEST_F(sharing_test, cancel_ends_all_of_them) {
  make(2);
  run([&]() -> aio::task<> {
    const auto job = co_await submitted("1-9", 2);
    attempts_.report(id(job, 1), R"({"version":"3.4"})");
    co_await settle();
    EXPECT_TRUE(co_await scheduler_->cancel(job->id));
    EXPECT_EQ(attempts_.stops.size(), 2U);
    attempts_.end(id(job, 1), success, domain::stop_reason::cancel);
    co_await settle();
    EXPECT_FALSE(domain::is_final(job->state));
    attempts_.end(id(job, 2), success, domain::stop_reason::cancel);
    co_await settle();
    EXPECT_EQ(job->state, job_state::canceled);
    co_await scheduler_->stop(on_stop::stop);
  });
}

TEST_F(sharing_test, what_ends_the_job_ends_the_others) {
  make(2);
  run([&]() -> aio::task<> {
    const auto job = co_await submitted("1-9", 2);
    attempts_.report(id(job, 1), R"({"version":"3.4"})");
    co_await settle();
    attempts_.end_with(id(job, 2), {.kind = domain::failure_kind::missing_files, .message = "gone"});
    co_await settle();
    EXPECT_EQ(attempts_.stops.size(), 1U);
    EXPECT_EQ(attempts_.stops.at(0).first, id(job, 1));
    attempts_.end(id(job, 1), success, domain::stop_reason::cancel);
    co_await settle();
    EXPECT_EQ(job->state, job_state::failed);
    EXPECT_EQ(job->failure->kind, domain::failure_kind::missing_files);
    co_await scheduler_->stop(on_stop::stop);
  });
}

TEST_F(sharing_test, frames_that_need_each_other_are_rendered_by_one) {
  make(4);
  run([&]() -> aio::task<> {
    const auto job = co_await submitted("1-9", 4);
    attempts_.report(id(job, 1), R"({"sequential":true})", true);
    co_await settle();
    attempts_.publish(id(job, 1), 1);
    attempts_.hunger(id(job, 1));
    co_await settle();
    EXPECT_EQ(attempts_.starts.size(), 1U);
    const frame_list all_others{2, 3, 4, 5, 6, 7, 8, 9};
    EXPECT_EQ(attempts_.gifts.back().second, all_others) << "its Blender begins again with each piece";
    attempts_.end(id(job, 1), success, domain::stop_reason::cancel);
    co_await settle();
    EXPECT_EQ(job->state, job_state::canceled);
    co_await scheduler_->stop(on_stop::stop);
  });
}

TEST_F(sharing_test, slots_go_to_those_who_wait) {
  make(2);
  run([&]() -> aio::task<> {
    const auto job = co_await submitted("1-9", 2);
    attempts_.report(id(job, 1), R"({"version":"3.4"})");
    co_await settle();
    const auto other = co_await submitted("1", 1);
    EXPECT_EQ(other->state, job_state::queued);
    attempts_.publish(id(job, 2), 2);
    attempts_.hunger(id(job, 2));
    co_await settle();
    EXPECT_EQ(attempts_.gifts.back(), (std::pair<attempt_id, frame_list>{id(job, 2), {}}));
    attempts_.end(id(job, 2), success);
    co_await settle();
    EXPECT_EQ(other->state, job_state::running);
    attempts_.publish(id(job, 1), 1);
    attempts_.hunger(id(job, 1));
    co_await settle();
    EXPECT_EQ(attempts_.gifts.back().second, frame_list{3}) << "the last one goes on";
    attempts_.publish(id(other, 1), 1);
    attempts_.end(id(other, 1), success);
    co_await settle();
    EXPECT_EQ(attempts_.starts.back(), id(job, 3)) << "it has taken the slot again";
    for (const int number : {1, 3})
      attempts_.end(id(job, number), success, domain::stop_reason::cancel);
    co_await settle();
    co_await scheduler_->stop(on_stop::stop);
  });
}

TEST_F(sharing_test, the_next_job_is_expected_while_the_last_frame_renders) {
  make(1);
  run([&]() -> aio::task<> {
    const auto job = co_await submitted("1-2", 1);
    const auto next = co_await submitted("1", 1);
    attempts_.name(id(job, 1), 1);
    EXPECT_TRUE(attempts_.expected.empty());
    attempts_.publish(id(job, 1), 1);
    attempts_.name(id(job, 1), 2);
    attempts_.name(id(job, 1), 2);
    EXPECT_EQ(attempts_.expected, std::vector<std::filesystem::path>{"/a.blend"}) << "once";
    attempts_.publish(id(job, 1), 2);
    attempts_.end(id(job, 1), success);
    co_await settle();
    attempts_.publish(id(next, 1), 1);
    attempts_.end(id(next, 1), success);
    co_await scheduler_->stop(on_stop::stop);
  });
}

TEST_F(sharing_test, without_memory_there_is_one) {
  make(4);
  attempts_.has_memory = false;
  run([&]() -> aio::task<> {
    const auto job = co_await submitted("1-9", 0);
    attempts_.report(id(job, 1), R"({"version":"3.4"})");
    co_await settle();
    EXPECT_EQ(attempts_.starts.size(), 1U);
    EXPECT_EQ(scheduler_->load().running, 1U);
    attempts_.end(id(job, 1), success, domain::stop_reason::cancel);
    co_await settle();
    EXPECT_EQ(job->state, job_state::canceled);
    co_await scheduler_->stop(on_stop::stop);
  });
}

} // namespace
} // namespace kiln::scheduler
