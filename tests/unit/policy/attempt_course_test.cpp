// SPDX-License-Identifier: Apache-2.0
#include "policy/attempt_course.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <vector>

namespace kiln::policy {
namespace {

using course_action = attempt_course::action;
using phase = attempt_course::phase;
using enum domain::stop_reason;

constexpr std::array every_phase{phase::preparing, phase::waiting, phase::rendering, phase::over};
constexpr std::array every_reason{cancel, pause, shutdown, timeout, stall};

attempt_course in(phase where) {
  attempt_course course;
  if (where == phase::waiting || where == phase::rendering) {
    EXPECT_EQ(course.on_held(), course_action::none);
  }
  if (where == phase::rendering)
    course.on_begun();
  if (where == phase::over)
    course.on_over();
  EXPECT_EQ(course.now(), where);
  return course;
}

struct event {
  const char* name;
  std::function<course_action(attempt_course&)> happens;
  std::array<course_action, every_phase.size()> answers; ///< in the order of every_phase
};

const std::vector<event>& every_event() {
  using enum attempt_course::action;
  const auto stop = [](domain::stop_reason why) {
    return [why](attempt_course& c) { return c.on_stop(why); };
  };
  const auto silent = [](void (attempt_course::*on)() noexcept) {
    return [on](attempt_course& c) { return (c.*on)(), none; };
  };
  static const std::vector<event> all{
      //                                                             preparing waiting rendering over
      {"cancel", stop(cancel), {abandon, finish, finish, none}},
      {"pause", stop(pause), {abandon, finish, finish, none}},
      {"shutdown", stop(shutdown), {abandon, end, end, none}},
      {"timeout", stop(timeout), {abandon, end, end, none}},
      {"stall", stop(stall), {abandon, end, end, none}},
      {"leave", [](attempt_course& c) { return c.on_leave(); }, {abandon, leave, leave, none}},
      {"held", [](attempt_course& c) { return c.on_held(); }, {none, none, none, none}},
      {"begun", silent(&attempt_course::on_begun), {none, none, none, none}},
      {"lost hold", silent(&attempt_course::on_lost_hold), {none, none, none, none}},
      {"over", silent(&attempt_course::on_over), {none, none, none, none}},
  };
  return all;
}

TEST(attempt_course, each_phase_answers_each_event) {
  for (std::size_t i = 0; i < every_phase.size(); ++i)
    for (const auto& one : every_event()) {
      auto course = in(every_phase[i]);
      EXPECT_EQ(one.happens(course), one.answers[i]) << one.name << " in phase " << i;
    }
}

/// After any two events, in every phase, a stop takes effect: the process is ended, or none runs.
TEST(attempt_course, no_stop_is_lost_whatever_came_before) {
  for (const auto where : every_phase)
    for (const auto& first : every_event())
      for (const auto& second : every_event())
        for (const auto why : every_reason) {
          auto course = in(where);
          bool was_told = false; // to end, or to watch no longer
          for (const auto* one : {&first, &second})
            was_told = one->happens(course) != course_action::none || was_told;
          was_told = course.on_stop(why) != course_action::none || was_told;
          SCOPED_TRACE(std::string{first.name} + ", " + second.name);
          EXPECT_TRUE(course.is_ending());
          EXPECT_TRUE(was_told || course.is_over()) << static_cast<int>(where) << static_cast<int>(why);
          if (course.now() == phase::preparing) {
            EXPECT_NE(course.on_held(), course_action::none) << "what is started meanwhile is ended at once";
          }
        }
}

TEST(attempt_course, the_first_reason_counts_and_a_second_stop_does_nothing) {
  for (const auto where : every_phase)
    for (const auto first : every_reason)
      for (const auto second : {cancel, pause, timeout, stall}) {
        if (first == pause && second == cancel)
          continue;
        auto course = in(where);
        (void)course.on_stop(first);
        EXPECT_EQ(course.on_stop(second), course_action::none);
        EXPECT_EQ(course.stopped(), first);
      }
}

TEST(attempt_course, a_cancel_takes_the_place_of_a_pause) {
  auto course = in(phase::rendering);
  EXPECT_EQ(course.on_stop(pause), course_action::finish);
  EXPECT_EQ(course.on_stop(cancel), course_action::finish);
  EXPECT_EQ(course.stopped(), cancel);
  EXPECT_EQ(course.on_stop(pause), course_action::none);
  EXPECT_EQ(course.stopped(), cancel);
}

TEST(attempt_course, a_shutdown_ends_what_may_still_finish_and_a_second_one_kills) {
  for (const auto where : {phase::waiting, phase::rendering})
    for (const auto before : {cancel, pause, timeout, stall}) {
      auto course = in(where);
      (void)course.on_stop(before);
      EXPECT_EQ(course.on_stop(shutdown), course_action::end);
      EXPECT_EQ(course.on_stop(cancel), course_action::none);
      EXPECT_EQ(course.on_stop(shutdown), course_action::kill);
      EXPECT_EQ(course.on_stop(shutdown), course_action::kill);
      EXPECT_EQ(course.stopped(), before == pause ? cancel : before);
    }
}

TEST(attempt_course, what_is_held_late_is_ended_as_it_was_asked_meanwhile) {
  struct row {
    std::vector<domain::stop_reason> stops;
    bool leaves = false;
    course_action answer = course_action::none;
  };
  for (const auto& [stops, leaves, answer] :
       {row{{}, false, course_action::none}, row{{cancel}, false, course_action::end},
        row{{timeout}, false, course_action::end}, row{{shutdown}, false, course_action::end},
        row{{shutdown, shutdown}, false, course_action::kill},
        row{{cancel, shutdown, shutdown}, false, course_action::kill}, row{{}, true, course_action::leave},
        row{{cancel}, true, course_action::leave}}) {
    attempt_course course;
    for (const auto why : stops)
      (void)course.on_stop(why);
    if (leaves)
      (void)course.on_leave();
    EXPECT_EQ(course.on_held(), answer);
    EXPECT_EQ(course.now(), phase::waiting);
  }
}

TEST(attempt_course, a_session_that_dies_before_it_begins_is_waited_for_again) {
  auto course = in(phase::waiting);
  course.on_lost_hold();
  EXPECT_EQ(course.now(), phase::preparing);
  EXPECT_EQ(course.on_stop(cancel), course_action::abandon);
  auto begun = in(phase::rendering);
  begun.on_lost_hold();
  EXPECT_EQ(begun.now(), phase::rendering) << "its end is seen, and judged";
}

TEST(attempt_course, that_it_has_begun_is_known_after_its_end) {
  auto course = in(phase::rendering);
  course.on_over();
  EXPECT_TRUE(course.has_begun());
  EXPECT_FALSE(in(phase::over).has_begun());
  course.on_begun();
  EXPECT_TRUE(course.is_over()) << "an end is an end";
}

TEST(attempt_course, what_is_left_is_not_touched_any_more) {
  for (const auto where : every_phase)
    for (const auto why : every_reason) {
      auto course = in(where);
      (void)course.on_leave();
      EXPECT_EQ(course.on_stop(why), course_action::none);
      EXPECT_EQ(course.on_leave(), course_action::none);
      EXPECT_TRUE(course.is_left());
    }
}

} // namespace
} // namespace kiln::policy
