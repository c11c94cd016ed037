// SPDX-License-Identifier: Apache-2.0
#include "slurm/task_end.hpp"

#include <gtest/gtest.h>

namespace kiln::slurm {
namespace {

constexpr double lag = 60;

TEST(parse_task_record, reads_what_the_script_writes) {
  const auto record = parse_task_record(
      "status 0\nnode n1\nfile blender-render_0001.png\nfile blender-render_0002.png\nend\n");
  ASSERT_TRUE(record);
  EXPECT_EQ(*record, (task_record{0, "n1", {"blender-render_0001.png", "blender-render_0002.png"}}));
  EXPECT_TRUE(exit_of(*record).is_success());
  EXPECT_EQ(exit_of({139, "n", {}}), (domain::process_exit{domain::process_exit::how::signaled, 11}));
  EXPECT_EQ(exit_of({97, "n", {}}), (domain::process_exit{domain::process_exit::how::exited, 97}));
  EXPECT_EQ(exit_of({255, "n", {}}), (domain::process_exit{domain::process_exit::how::exited, 255}));
}

TEST(parse_task_record, half_of_it_is_nothing) {
  for (const char* text : {"", "status 0\n", "status 0\nnode n1\nfile x\n", "node n1\nend\n",
                           "status x\nend\n", "status 256\nend\n", "status -1\nend\n", "end\nstatus 0\n"})
    EXPECT_FALSE(parse_task_record(text)) << text;
}

TEST(decide_task_end, table) {
  const task_record good{0, "n1", {}}, term{143, "n1", {}}, killed{137, "n1", {}}, bad{1, "n1", {}};
  struct row {
    task_view seen;
    task_end expected;
    const char* why;
  };
  const row table[]{
      {{}, task_end::none, "nothing was seen yet"},
      {{.state = task_state::waiting, .was_queued = true}, task_end::none, "it waits"},
      {{.state = task_state::running, .was_queued = true}, task_end::none, "it runs"},
      {{.record = good, .complete = true, .state = task_state::running}, task_end::exited, "Slurm is slower"},
      {{.record = good, .files_seen = true, .state = task_state::completed, .looks = 1},
       task_end::exited,
       "frames are missing"},
      {{.record = good, .record_age = 5, .state = task_state::completed, .looks = 3},
       task_end::none,
       "frames are on their way"},
      {{.record = good, .record_age = lag, .state = task_state::completed, .looks = 3},
       task_end::exited,
       "they do not come"},
      {{.record = good, .complete = true, .state = task_state::waiting},
       task_end::exited,
       "launch failed requeued held"},
      {{.record = bad, .files_seen = true, .state = task_state::failed, .looks = 1},
       task_end::exited,
       "Blender failed"},
      {{.record = term, .files_seen = true, .state = task_state::running},
       task_end::none,
       "Slurm will say why"},
      {{.record = term, .files_seen = true, .state = task_state::cancelled, .looks = 2},
       task_end::cancelled,
       "scancel"},
      {{.record = term, .files_seen = true, .state = task_state::timed_out, .looks = 2},
       task_end::timed_out,
       "time limit"},
      {{.record = killed, .state = task_state::out_of_memory, .looks = 2}, task_end::out_of_memory, "memory"},
      {{.record = term, .state = task_state::interrupted, .looks = 2}, task_end::interrupted, "preempted"},
      {{.record = term, .state = task_state::waiting}, task_end::none, "preempted, and waits again"},
      {{.record = killed, .state = task_state::failed, .looks = 2}, task_end::exited, "kill on the node"},
      {{.record = killed, .record_age = lag, .state = task_state::running},
       task_end::exited,
       "kill on the node"},
      {{.state = task_state::completed, .was_queued = true, .looks = 5, .over_age = 30},
       task_end::none,
       "its files come late"},
      {{.state = task_state::completed, .was_queued = true, .looks = 5, .over_age = lag},
       task_end::without_trace,
       "no file came"},
      {{.state = task_state::failed, .was_queued = true, .looks = 5, .over_age = lag},
       task_end::without_trace,
       "no file came"},
      {{.complete = true, .state = task_state::failed, .looks = 2},
       task_end::complete,
       "all frames are there"},
      {{.state = task_state::cancelled, .was_queued = true, .looks = 1},
       task_end::none,
       "one look is not enough"},
      {{.state = task_state::cancelled, .was_queued = true, .looks = 2},
       task_end::cancelled,
       "scancel of what waits"},
      {{.state = task_state::interrupted, .was_queued = true, .looks = 2},
       task_end::interrupted,
       "its node is gone"},
      {{.was_queued = true, .looks = 2, .over_age = 5}, task_end::none, "gone from the queue"},
      {{.was_queued = true, .looks = 9, .over_age = lag}, task_end::interrupted, "gone, and nobody knows"},
      {{.looks = 9, .over_age = lag}, task_end::unknown, "it never was there"},
  };
  for (const auto& [seen, expected, why] : table)
    EXPECT_EQ(decide_task_end(seen, lag), expected) << why;
}

} // namespace
} // namespace kiln::slurm
