// SPDX-License-Identifier: Apache-2.0
// What is tried again after a failure, how often, and with which Blender.
#include "unit/scheduler/scheduler_fixture.hpp"

namespace kiln::scheduler {
namespace {

class tries_test : public scheduler_test {};

TEST_F(tries_test, a_crash_is_tried_again_and_only_what_is_missing) {
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

TEST_F(tries_test, a_frame_that_crashes_twice_is_isolated_and_the_rest_goes_on) {
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

TEST_F(tries_test, a_crash_before_the_blend_is_loaded_is_tried_once_more) {
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

TEST_F(tries_test, one_that_is_killed_before_that_is_tried_as_often_as_the_job_says) {
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

TEST_F(tries_test, a_blend_that_was_loaded_once_is_not_blamed) {
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

TEST_F(tries_test, the_blender_that_was_chosen_is_kept_once_there_is_a_frame) {
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

TEST_F(tries_test, a_blender_that_the_client_named_stays) {
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

TEST_F(tries_test, what_cannot_go_well_is_not_tried_again) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 4, 5);
    attempts_.end_with(attempt(job), {.kind = failure_kind::no_camera, .message = "no camera"});
    EXPECT_EQ(job->state, job_state::failed);
    EXPECT_EQ(job->failure->kind, failure_kind::no_camera);
  });
}

TEST_F(tries_test, every_frame_but_a_bad_exit_is_a_failure) {
  make({});
  run([&]() -> aio::task<> {
    const auto job = co_await submitted(1, 1, 5);
    attempts_.publish(attempt(job), 1);
    attempts_.end(attempt(job), {process_exit::how::exited, 3});
    EXPECT_EQ(job->state, job_state::failed);
  });
}

} // namespace
} // namespace kiln::scheduler
