// SPDX-License-Identifier: Apache-2.0
#include "policy/retry.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace kiln::policy {
namespace {

using domain::failure;
using domain::failure_kind;
using domain::frame_set;
using domain::process_exit;

frame_set set(std::string_view text) {
  return text.empty() ? frame_set{} : *frame_set::parse(text);
}

domain::attempt_facts died(std::string_view requested, std::string_view published,
                           std::optional<int> on = {}) {
  domain::attempt_facts facts;
  facts.requested = set(requested);
  facts.published = set(published);
  facts.exit = process_exit{process_exit::how::signaled, SIGSEGV};
  facts.last_named = on;
  return facts;
}

TEST(charged_frames, the_frame_it_was_on_when_it_died) {
  EXPECT_EQ(charged_frames(died("1-10", "1-3", 4)), set("4"));
  EXPECT_EQ(charged_frames(died("1-10", "", 1)), set("1"));
  EXPECT_EQ(charged_frames(died("1-10", "1-3", 3)), set("4")) << "3 was done, the log had not come to 4";
  EXPECT_EQ(charged_frames(died("1-10", "1-3")), set("4")) << "a log without frames";
  EXPECT_EQ(charged_frames(died("1-3,7-9", "1-3")), set("7"));
  EXPECT_EQ(charged_frames(died("1-3", "2-3")), set("1")) << "nothing is behind the last one";
}

TEST(charged_frames, all_of_them_when_it_died_before_the_first) {
  EXPECT_EQ(charged_frames(died("1-10", "")), set("1-10"));
  EXPECT_EQ(charged_frames(died("1-10", "", 99)), set("1-10")) << "a frame that was not asked for";
}

TEST(charged_frames, all_that_are_missing_when_it_went_through) {
  auto facts = died("1-10", "1,3-9", 10);
  facts.exit = process_exit{process_exit::how::exited, 0};
  EXPECT_EQ(charged_frames(facts), set("2,10"));
  facts.published = facts.requested;
  EXPECT_TRUE(charged_frames(facts).empty());
}

troubles troubled(std::initializer_list<std::pair<int, int>> tries) {
  troubles known;
  for (const auto& [frame, count] : tries)
    known[frame] = {count, failure{.kind = failure_kind::crashed, .message = "Blender crashed (SIGSEGV)"}};
  return known;
}

TEST(plan_attempt, a_frame_that_failed_twice_renders_alone_after_the_others) {
  EXPECT_EQ(plan_attempt(set("1-10"), {}), set("1-10"));
  EXPECT_EQ(plan_attempt(set("4-10"), troubled({{4, 1}})), set("4-10"));
  EXPECT_EQ(plan_attempt(set("4-10"), troubled({{4, 2}})), set("5-10"));
  EXPECT_EQ(plan_attempt(set("4,7"), troubled({{4, 2}, {7, 3}})), set("4"));
  EXPECT_EQ(plan_attempt(set("7"), troubled({{4, 2}, {7, 3}})), set("7")) << "4 is done by now";
}

TEST(plan_attempt, arguments_have_a_limit) {
  std::vector<int> scattered;
  for (int i = 0; i < 3000; ++i)
    scattered.push_back(i * i / 10 + i);
  const auto pending = frame_set::of(scattered);
  const auto first = plan_attempt(pending, {});
  EXPECT_LE(first.progressions().size(), 500U);
  EXPECT_GE(first.size(), 490U);
  EXPECT_TRUE(first.without(pending).empty());
  EXPECT_EQ(plan_attempt(set("1-1048574x2"), {}).size(), 524287U) << "one range, however long";
}

domain::failure failure_of(failure_kind kind, bool passes = false) {
  domain::failure made;
  made.kind = kind;
  made.passes = passes;
  return made;
}

TEST(remedy, what_would_end_the_same_way_is_not_tried_again) {
  for (const auto kind :
       {failure_kind::no_camera, failure_kind::missing_files, failure_kind::movie_output,
        failure_kind::blend_unreadable, failure_kind::engine_unavailable, failure_kind::timed_out,
        failure_kind::denoiser_unavailable, failure_kind::display_unavailable, failure_kind::invalid_setting,
        failure_kind::blender_missing, failure_kind::output_unwritable})
    EXPECT_EQ(remedy_for(failure_of(kind)), remedy::give_up) << to_string(kind);
  for (const auto kind :
       {failure_kind::crashed, failure_kind::killed, failure_kind::out_of_memory, failure_kind::stalled,
        failure_kind::frames_missing, failure_kind::frames_corrupt, failure_kind::internal})
    EXPECT_EQ(remedy_for(failure_of(kind)), remedy::try_again) << to_string(kind);
  EXPECT_EQ(remedy_for(failure_of(failure_kind::disk_full)), remedy::wait_for_room);
  for (const auto kind : {failure_kind::internal, failure_kind::blend_unreadable})
    EXPECT_EQ(remedy_for(failure_of(kind, true)), remedy::wait_for_room) << to_string(kind);
}

TEST(further_loads, a_crash_gets_one_more_try_and_others_what_the_job_says) {
  EXPECT_EQ(further_loads(failure_kind::crashed, 2), 1);
  EXPECT_EQ(further_loads(failure_kind::crashed, 100), 1);
  EXPECT_EQ(further_loads(failure_kind::crashed, 0), 0);
  EXPECT_EQ(further_loads(failure_kind::killed, 2), 2);
  EXPECT_EQ(further_loads(failure_kind::out_of_memory, 0), 0);
}

TEST(describe_failed_frames, names_them_and_says_why) {
  const auto why = describe_failed_frames(set("4,7"), 10, troubled({{4, 3}, {7, 1}}));
  EXPECT_EQ(why.kind, failure_kind::crashed);
  EXPECT_EQ(why.frame, 4);
  EXPECT_EQ(why.message, "2 of 10 frames failed (4,7), frame 4 after 3 tries: Blender crashed (SIGSEGV)");
  EXPECT_EQ(describe_failed_frames(set("4"), 1, troubled({{4, 1}})).message, "Blender crashed (SIGSEGV)");
}

} // namespace
} // namespace kiln::policy
