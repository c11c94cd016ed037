// SPDX-License-Identifier: Apache-2.0
#include "policy/verdict.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace kiln::policy {
namespace {

using domain::attempt_facts;
using domain::attempt_outcome;
using domain::failure;
using domain::failure_kind;
using domain::frame_set;
using domain::process_exit;

attempt_facts exited(int status, std::string_view published = "1-3") {
  attempt_facts facts;
  facts.requested = *frame_set::range(1, 3);
  if (!published.empty())
    facts.published = *frame_set::parse(published);
  facts.exit = process_exit{process_exit::how::exited, status};
  return facts;
}

attempt_facts signaled(int signal, std::string_view published = "1") {
  auto facts = exited(0, published);
  facts.exit = process_exit{process_exit::how::signaled, signal};
  return facts;
}

TEST(verdict, success_is_status_0_and_every_frame) {
  EXPECT_EQ(decide_verdict(exited(0)).outcome, attempt_outcome::succeeded);
  EXPECT_FALSE(decide_verdict(exited(0)).failure);
}

TEST(verdict, status_0_without_every_frame_is_a_failure_that_names_them) {
  const auto v = decide_verdict(exited(0, "1,3"));
  EXPECT_EQ(v.outcome, attempt_outcome::failed);
  EXPECT_EQ(v.failure->kind, failure_kind::frames_missing);
  EXPECT_EQ(v.failure->frame, 2);
  EXPECT_EQ(v.failure->exit_status, 0);
  EXPECT_NE(v.failure->message.find("1 of 3 frames is missing (2)"), std::string::npos) << v.failure->message;
  EXPECT_EQ(decide_verdict(exited(0, "")).failure->kind, failure_kind::frames_missing);
}

TEST(verdict, every_frame_with_another_status_is_a_failure) {
  const auto v = decide_verdict(exited(1));
  EXPECT_EQ(v.outcome, attempt_outcome::failed);
  EXPECT_EQ(v.failure->kind, failure_kind::crashed);
  EXPECT_EQ(v.failure->exit_status, 1);
}

TEST(verdict, every_frame_is_no_success_where_the_log_says_that_they_are_empty) {
  for (const auto kind : {failure_kind::no_camera, failure_kind::denoiser_unavailable}) {
    auto facts = exited(0);
    facts.complaints = {{.kind = failure_kind::missing_files, .message = "a"},
                        {.kind = kind, .message = "b"}};
    const auto v = decide_verdict(facts);
    EXPECT_EQ(v.outcome, attempt_outcome::failed);
    EXPECT_EQ(v.failure->kind, kind);
  }
  auto facts = exited(0);
  facts.complaints = {{.kind = failure_kind::missing_files, .message = "a"}};
  EXPECT_EQ(decide_verdict(facts).outcome, attempt_outcome::succeeded);
}

TEST(verdict, frames_that_were_not_asked_for_do_not_make_up_for_missing_ones) {
  EXPECT_EQ(decide_verdict(exited(0, "1-2,4")).outcome, attempt_outcome::failed);
}

TEST(verdict, a_complaint_in_the_log_is_the_reason) {
  auto facts = exited(1, "");
  facts.complaints = {{.kind = failure_kind::missing_files, .message = "texture.png"},
                      {.kind = failure_kind::no_camera, .message = "no camera"}};
  const auto v = decide_verdict(facts);
  EXPECT_EQ(v.failure->kind, failure_kind::no_camera);
  EXPECT_EQ(v.failure->exit_status, 1);

  facts.complaints.pop_back();
  EXPECT_EQ(decide_verdict(facts).failure->kind, failure_kind::missing_files);
}

TEST(verdict, complaints_do_not_spoil_a_success) {
  auto facts = exited(0);
  facts.complaints = {{.kind = failure_kind::missing_files, .message = "texture.png"}};
  EXPECT_EQ(decide_verdict(facts).outcome, attempt_outcome::succeeded);
}

TEST(verdict, a_broken_image_is_named) {
  auto facts = exited(0, "1,2");
  facts.rejected = {{3, "ends in the middle of a chunk"}};
  const auto v = decide_verdict(facts);
  EXPECT_EQ(v.failure->kind, failure_kind::frames_corrupt);
  EXPECT_EQ(v.failure->frame, 3);
  EXPECT_NE(v.failure->message.find("middle of a chunk"), std::string::npos);
}

TEST(verdict, term_from_outside_cancels_and_other_signals_fail) {
  EXPECT_EQ(decide_verdict(signaled(SIGTERM)).outcome, attempt_outcome::canceled);

  const auto killed = decide_verdict(signaled(SIGKILL));
  EXPECT_EQ(killed.outcome, attempt_outcome::failed);
  EXPECT_EQ(killed.failure->kind, failure_kind::killed);
  EXPECT_EQ(killed.failure->signal, SIGKILL);

  for (int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) {
    EXPECT_EQ(decide_verdict(signaled(signal)).failure->kind, failure_kind::crashed) << signal;
    EXPECT_EQ(decide_verdict(signaled(signal)).failure->signal, signal);
  }
  EXPECT_NE(decide_verdict(signaled(SIGSEGV)).failure->message.find("SIGSEGV"), std::string::npos);
  EXPECT_EQ(decide_verdict(signaled(SIGHUP)).failure->kind, failure_kind::killed);
}

TEST(verdict, death_by_signal_after_the_last_frame_is_no_success) {
  EXPECT_EQ(decide_verdict(signaled(SIGKILL, "1-3")).outcome, attempt_outcome::failed);
  EXPECT_EQ(decide_verdict(signaled(SIGTERM, "1-3")).outcome, attempt_outcome::canceled);
}

TEST(verdict, a_kill_while_memory_ran_out_says_so) {
  auto facts = signaled(SIGKILL);
  facts.complaints = {{.kind = failure_kind::out_of_memory, .message = "out of memory"}};
  EXPECT_EQ(decide_verdict(facts).failure->kind, failure_kind::out_of_memory);
}

failure complaint(failure_kind kind) {
  return {.kind = kind, .message = "what Blender printed"};
}

TEST(verdict, a_crash_has_the_cause_that_ended_blender) {
  struct row {
    failure_kind printed;
    std::string_view published;
    failure_kind judged;
  };
  for (const auto& [printed, published, judged] :
       {row{failure_kind::display_unavailable, "", failure_kind::display_unavailable},
        row{failure_kind::display_unavailable, "1", failure_kind::display_unavailable},
        row{failure_kind::out_of_memory, "1", failure_kind::out_of_memory},
        row{failure_kind::blend_unreadable, "", failure_kind::blend_unreadable},
        row{failure_kind::blend_unreadable, "1", failure_kind::crashed}, // it was read after all
        row{failure_kind::missing_files, "", failure_kind::crashed},
        row{failure_kind::no_camera, "", failure_kind::crashed}}) {
    auto facts = signaled(SIGABRT, published);
    facts.complaints = {complaint(printed)};
    const auto v = decide_verdict(facts);
    EXPECT_EQ(v.failure->kind, judged) << to_string(printed) << ' ' << published;
    EXPECT_EQ(v.failure->signal, SIGABRT);
  }
}

TEST(verdict, a_newer_file_is_the_last_reason_for_an_exit_and_none_once_it_is_loaded) {
  auto facts = exited(1, "");
  facts.complaints = {complaint(failure_kind::missing_files), complaint(failure_kind::blend_unreadable)};
  EXPECT_EQ(decide_verdict(facts).failure->kind, failure_kind::blend_unreadable);
  facts.complaints.push_back(complaint(failure_kind::no_camera));
  EXPECT_EQ(decide_verdict(facts).failure->kind, failure_kind::no_camera);
  facts.complaints.pop_back();
  facts.reported = true;
  EXPECT_EQ(decide_verdict(facts).failure->kind, failure_kind::missing_files);
}

TEST(verdict, a_crash_before_the_file_is_loaded_says_so) {
  auto facts = signaled(SIGSEGV, "");
  EXPECT_NE(decide_verdict(facts).failure->message.find("before it had loaded the .blend"),
            std::string::npos);
  facts.reported = true;
  EXPECT_EQ(decide_verdict(facts).failure->message.find("before it had"), std::string::npos);
  EXPECT_EQ(decide_verdict(signaled(SIGSEGV, "1")).failure->message.find("before it had"), std::string::npos);
}

TEST(verdict, an_addon_that_failed_is_named_where_it_may_be_the_reason) {
  const auto message = [](domain::attempt_facts facts) {
    facts.addon_trouble = "the add-on luxcore failed with ImportError: no luxcore";
    return decide_verdict(facts).failure->message;
  };
  const auto names_it = [](const std::string& text) {
    return text.find("luxcore failed") != std::string::npos;
  };
  auto engine = exited(1, "");
  engine.complaints = {complaint(failure_kind::engine_unavailable)};
  EXPECT_TRUE(names_it(message(engine)));
  EXPECT_TRUE(names_it(message(signaled(SIGSEGV, ""))));
  EXPECT_TRUE(names_it(message(exited(1, ""))));
  EXPECT_FALSE(names_it(message(signaled(SIGSEGV, "1"))));
  auto camera = exited(1, "");
  camera.complaints = {complaint(failure_kind::no_camera)};
  EXPECT_FALSE(names_it(message(camera)));
}

TEST(verdict, what_kiln_stopped_is_canceled_unless_it_was_complete) {
  auto stopped = signaled(SIGKILL);
  stopped.stopped = domain::stop_reason::cancel;
  EXPECT_EQ(decide_verdict(stopped).outcome, attempt_outcome::canceled);

  auto late = exited(0);
  late.stopped = domain::stop_reason::cancel;
  EXPECT_EQ(decide_verdict(late).outcome, attempt_outcome::succeeded);
}

TEST(verdict, why_kiln_stopped_it_decides) {
  auto stopped = signaled(SIGTERM);
  for (const auto why : {domain::stop_reason::pause, domain::stop_reason::shutdown}) {
    stopped.stopped = why;
    EXPECT_EQ(decide_verdict(stopped).outcome, attempt_outcome::interrupted);
  }
  stopped.stopped = domain::stop_reason::timeout;
  EXPECT_EQ(decide_verdict(stopped).failure->kind, failure_kind::timed_out);
  stopped.stopped = domain::stop_reason::stall;
  EXPECT_EQ(decide_verdict(stopped).failure->kind, failure_kind::stalled);
}

TEST(verdict, when_nobody_saw_the_end_the_frames_decide) {
  attempt_facts facts;
  facts.requested = *frame_set::range(1, 3);
  facts.lost = true;
  EXPECT_EQ(decide_verdict(facts).outcome, attempt_outcome::interrupted);
  facts.complaints = {{.kind = failure_kind::missing_files, .message = "a library"}};
  EXPECT_EQ(decide_verdict(facts).outcome, attempt_outcome::interrupted);
  facts.complaints.push_back({.kind = failure_kind::no_camera, .message = "no camera"});
  EXPECT_EQ(decide_verdict(facts).failure->kind, failure_kind::no_camera);
  facts.published = facts.requested;
  EXPECT_EQ(decide_verdict(facts).failure->kind, failure_kind::no_camera) << "its frames are black";
  facts.complaints.pop_back();
  EXPECT_EQ(decide_verdict(facts).outcome, attempt_outcome::succeeded);
  facts.published = *frame_set::range(1, 2);
  facts.stopped = domain::stop_reason::cancel;
  EXPECT_EQ(decide_verdict(facts).outcome, attempt_outcome::canceled);
}

TEST(verdict, a_process_that_never_started) {
  attempt_facts facts;
  facts.requested = *frame_set::range(1, 3);
  facts.start_failure = failure{.kind = failure_kind::blender_missing, .message = "/x: No such file"};
  EXPECT_EQ(decide_verdict(facts).failure->kind, failure_kind::blender_missing);

  facts.start_failure.reset();
  EXPECT_EQ(decide_verdict(facts).failure->kind, failure_kind::internal);

  facts.stopped = domain::stop_reason::cancel;
  EXPECT_EQ(decide_verdict(facts).outcome, attempt_outcome::canceled);
}

TEST(verdict, messages_stay_short_for_large_jobs) {
  attempt_facts facts = exited(0, "");
  facts.requested = *frame_set::parse("0-100000x3,1-100000x7");
  EXPECT_LT(decide_verdict(facts).failure->message.size(), 300U);
}

} // namespace
} // namespace kiln::policy
