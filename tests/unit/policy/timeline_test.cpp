// SPDX-License-Identifier: Apache-2.0
#include "policy/retry_after.hpp"
#include "policy/timeline.hpp"
#include "unit/policy/hostile_input.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace kiln::policy {
namespace {

timeline::time_point at(double seconds) {
  return timeline::time_point{std::chrono::hours{1}} +
         std::chrono::duration_cast<timeline::time_point::duration>(std::chrono::duration<double>(seconds));
}

domain::frame_progress samples(int frame, double fraction, std::optional<double> remaining = {}) {
  return {.frame = frame, .fraction = fraction, .pass_fraction = fraction, .remaining = remaining};
}

/// One Blender, run 1, since 0 s.
timeline started() {
  timeline made;
  made.begin(at(0));
  made.on_begin(1, timeline::afterwards::stays, at(0));
  return made;
}

TEST(timeline, the_first_line_of_a_frame_ends_the_loading) {
  auto of = started();
  EXPECT_EQ(of.on_progress(1, {.frame = 1}, true, at(2)), 2);
  EXPECT_EQ(of.on_progress(1, {.frame = 1}, true, at(3)), std::nullopt) << "once";
  of.on_published(1, 1, at(5), {});
  EXPECT_EQ(of.timing().measured(), 1);
  EXPECT_EQ(of.timing().mean(), 3);
}

TEST(timeline, a_first_line_that_comes_late_says_how_old_the_frame_is) {
  auto of = started();
  EXPECT_DOUBLE_EQ(*of.on_progress(1, {.frame = 1, .spent = 3.9}, true, at(4.7)), 4.7 - 3.9);
}

TEST(timeline, a_statement_is_one_of_the_moment_at_which_it_came) {
  auto of = started();
  of.on_progress(1, samples(1, 0), true, at(1));
  of.on_progress(1, samples(1, .01, 20), true, at(1.2));
  const auto then = of.at(at(11), 3);
  ASSERT_TRUE(then.stated);
  EXPECT_DOUBLE_EQ(then.stated->age, 1.2);
  EXPECT_DOUBLE_EQ(then.stated->rest, 20);
  EXPECT_DOUBLE_EQ(then.frame_age, 11);
}

TEST(timeline, without_blenders_own_estimate_samples_count_from_where_they_began) {
  auto of = started();
  of.on_progress(1, {.frame = 1}, true, at(1)); // 9 s of preparation
  of.on_progress(1, samples(1, 0), true, at(10));
  of.on_progress(1, samples(1, .5), true, at(12));
  EXPECT_NEAR(of.at(at(12), 1).stated->rest, 2, 1e-9);
}

TEST(timeline, passes_that_are_to_come_take_as_long) {
  auto of = started();
  of.on_progress(1, {.frame = 1, .fraction = 0, .passes = 3, .pass_fraction = 0}, true, at(0));
  of.on_progress(1, {.frame = 1, .fraction = .5 / 3, .passes = 3, .pass_fraction = .5, .remaining = 2}, true,
                 at(2));
  EXPECT_NEAR(of.at(at(2), 1).stated->rest, 2 + 2 * 4, 1e-9);
}

TEST(timeline, a_frame_that_is_being_checked_is_work_that_is_done) {
  auto of = started();
  of.on_progress(1, samples(1, 1), true, at(2));
  of.on_progress(1, samples(2, .25), true, at(3));
  EXPECT_DOUBLE_EQ(of.frames_in_work(), 1.25);
  EXPECT_EQ(of.at(at(3), 4).frames_left, 3);
  of.on_published(1, 1, at(2.1), {});
  EXPECT_DOUBLE_EQ(of.frames_in_work(), .25);
  EXPECT_NEAR(of.at(at(3), 3).frame_age, .9, 1e-9);
  of.on_published(1, 2, at(4), {});
  EXPECT_EQ(of.frames_in_work(), 0);
}

TEST(timeline, what_follows_the_last_sample_is_learnt_from_the_frames_before) {
  auto of = started();
  of.on_tasks({.start_up = 1}); // the loading is apart
  for (int frame = 1; frame <= 4; ++frame) {
    const double began = 4.0 * (frame - 1);
    of.on_progress(1, samples(frame, .1, .9), true, at(began + .1));
    of.on_progress(1, samples(frame, 1), true, at(began + 1));
    of.on_progress(1, samples(frame, 1), true, at(began + 2)); // a line of the compositor changes nothing
    if (frame < 4)
      of.on_published(1, frame, at(began + 4), {});
  }
  EXPECT_NEAR(of.timing().ending(.9), 3, 1e-6);
  EXPECT_NEAR(of.timing().ending(1.8), 6, 1e-6) << "as much slower as the samples were";
  const auto left = estimate_time_left(of.timing(), of.at(at(14), 1));
  EXPECT_NEAR(left->likely, 2, .5);
}

TEST(timeline, lines_that_do_not_count_change_nothing) {
  auto of = started();
  of.on_progress(1, samples(1, .5, 10), true, at(1));
  of.on_progress(1, samples(7, 1), false, at(2));
  EXPECT_DOUBLE_EQ(of.frames_in_work(), .5);
  EXPECT_EQ(of.at(at(2), 1).stated->rest, 10);
}

TEST(timeline, statements_of_tiles_are_known_to_be_too_high) {
  auto of = started();
  auto said = samples(1, .1, 20);
  said.by_tiles = true;
  of.on_progress(1, said, true, at(1));
  EXPECT_EQ(of.at(at(1), 1).stated->kind, statement_kind::tiles);
}

TEST(timeline, what_each_part_of_a_frame_stated_is_learnt) {
  auto of = started();
  of.on_tasks({.start_up = 1});
  for (int frame = 1; frame <= 5; ++frame) {
    const double began = 10.0 * (frame - 1);
    of.on_progress(1, samples(frame, .01, 40), true, at(began + .1)); // four times too much
    of.on_progress(1, samples(frame, .5, 5), true, at(began + 5));
    of.on_published(1, frame, at(began + 10), {});
  }
  EXPECT_LT(of.timing().statements().mean(.01, statement_kind::plain), -.9);
  EXPECT_NEAR(of.timing().statements().mean(.5, statement_kind::plain), 0, .1);
}

TEST(timeline, a_blender_of_its_own_exits_after_the_last_frame) {
  timeline of;
  of.begin(at(0));
  of.on_begin(1, timeline::afterwards::exits, at(0));
  of.on_progress(1, {.frame = 1}, true, at(2));
  of.on_published(1, 1, at(4), {});
  EXPECT_NEAR(of.at(at(4), 0).exit, .3, 1e-9) << "by the time that its start took";
  EXPECT_GT(estimate_time_left(of.timing(), of.at(at(4), 0))->likely, .1);
  EXPECT_EQ(started().at(at(4), 0).exit, 0);
}

TEST(timeline, blenders_that_share_a_job_are_looked_at_one_by_one) {
  auto of = started();
  of.on_progress(1, {.frame = 1}, true, at(2));
  of.on_progress(1, samples(1, .5, 4), true, at(6));
  of.on_begin(2, timeline::afterwards::stays, at(3));
  auto now = of.shared_at(at(7), {{1, 1}, {2, 1}}, 5);
  ASSERT_EQ(now.running.size(), 2u);
  EXPECT_DOUBLE_EQ(now.running[0].frame_age, 5) << "without the loading";
  EXPECT_DOUBLE_EQ(now.running[0].stated->rest, 4);
  EXPECT_FALSE(now.running[1].is_loaded);
  EXPECT_EQ(now.frames_waiting, 5);
  EXPECT_EQ(now.start_up, 2);

  of.on_progress(2, samples(2, .1, 9), true, at(6));
  now = of.shared_at(at(7), {{1, 1}, {2, 1}}, 5);
  EXPECT_DOUBLE_EQ(now.running[1].frame_age, 1);
  EXPECT_DOUBLE_EQ(of.frames_in_work(), .6);
  of.on_published(2, 2, at(16), {});
  EXPECT_EQ(of.timing().mean(), 10) << "the frame of the second one, without its loading";
  EXPECT_EQ(of.shared_at(at(17), {{1, 1}, {2, 0}}, 0).running.size(), 1u) << "the second one has no frame";
}

TEST(timeline, an_earlier_run_knows_of_heavier_frames_that_several_blenders_share) {
  timeline of;
  of.begin(at(0), forecast(*domain::frame_set::range(1, 4), {{1, 1}, {2, 1}, {3, 3}, {4, 3}}, 0));
  of.on_begin(1, timeline::afterwards::stays, at(0));
  of.on_begin(2, timeline::afterwards::stays, at(0));
  of.on_published(1, 1, at(1), {});
  of.on_published(1, 2, at(2), {});
  EXPECT_DOUBLE_EQ(of.shared_at(at(2), {{1, 0}, {2, 0}}, 2).frames_waiting, 6);
}

TEST(timeline, tasks_that_run_elsewhere_show_parts_of_frames_as_well) {
  auto of = started();
  of.on_tasks({.running = {{.frames_left = 2, .fraction = .5}, {.frames_left = 1, .fraction = .25}}});
  EXPECT_DOUBLE_EQ(of.frames_in_work(), .75);
  of.on_published(1, 1, at(3), 3.0);
  of.on_tasks({.running = {{.frames_left = 1, .fraction = 0}, {.frames_left = 1, .fraction = .5}}});
  EXPECT_DOUBLE_EQ(of.frames_in_work(), .5);
}

TEST(timeline, any_events_on_any_clock_keep_the_answers_sane) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 3000; ++round) {
    auto of = started();
    double clock = 0, shown = 0;
    int done = 0;
    for (int i = 0; i < 40; ++i) {
      clock += random() % 10 == 0 ? -5 : static_cast<double>(random() % 300) / 100;
      const int frame = done + 1 + static_cast<int>(random() % 2);
      if (random() % 4 == 0) {
        of.on_published(1, ++done, at(clock), random() % 3 ? std::nullopt : std::optional{hostile(random)});
      } else {
        domain::frame_progress said{.frame = frame};
        if (random() % 2)
          said.fraction = said.pass_fraction = hostile(random);
        if (random() % 2)
          said.remaining = hostile(random);
        if (random() % 4 == 0)
          said.spent = hostile(random);
        said.pass = static_cast<int>(random() % 3);
        said.passes = said.pass + 1;
        of.on_progress(1, said, frame > done, at(clock));
      }
      const double progress = done + of.frames_in_work();
      ASSERT_TRUE(progress >= shown && progress <= done + 9) << progress;
      shown = progress;
      const auto now = of.at(at(clock), 50 - done);
      const auto left = estimate_time_left(of.timing(), now);
      if (left) {
        ASSERT_TRUE(std::isfinite(left->likely) && left->likely >= 0);
        ASSERT_TRUE(left->low() <= left->high());
      }
      const int wait = retry_after(of.timing(), now, .5);
      ASSERT_TRUE(wait >= 1 && wait <= 300);
    }
  }
}

} // namespace
} // namespace kiln::policy
