// SPDX-License-Identifier: Apache-2.0
#include "slurm/queue.hpp"

#include <gtest/gtest.h>

namespace kiln::slurm {
namespace {

const std::string header = "kiln|ARRAY_JOB_ID|ARRAY_TASK_ID|STATE|START_TIME|NODELIST|NAME|COMMENT|REASON\n";

std::vector<queue_row> rows_of(const std::string& lines) {
  const auto parsed = parse_queue(header + lines);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed ? *parsed : std::vector<queue_row>{};
}

domain::frame_set tasks(std::string_view text) {
  return *domain::frame_set::parse(text);
}

TEST(parse_queue, reads_what_slurm_22_05_prints) {
  const auto rows = rows_of("kiln|1|3|PENDING|2026-11-24T20:28:45||kiln-j0-1-1|kiln:abc|JobArrayTaskLimit\n"
                            "kiln|1|1|RUNNING|2026-11-24T20:28:45|n1|kiln-j0-1-1|kiln:abc|None\n"
                            "kiln|5|N/A|FAILED|N/A||s.sh|(null)|BadConstraints\n");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].array, 1U);
  EXPECT_EQ(rows[0].tasks, tasks("3"));
  EXPECT_EQ(rows[0].state, task_state::waiting);
  EXPECT_EQ(rows[0].start->time_since_epoch().count(), 1795552125);
  EXPECT_EQ(rows[0].reason, "JobArrayTaskLimit");
  EXPECT_EQ(rows[1].state, task_state::running);
  EXPECT_EQ(rows[1].node, "n1");
  EXPECT_EQ(rows[1].reason, "");
  EXPECT_EQ(rows[1].comment, "kiln:abc");
  EXPECT_TRUE(rows[2].tasks.empty());
  EXPECT_EQ(rows[2].comment, "");
  EXPECT_FALSE(rows[2].start);
}

TEST(parse_queue, takes_tasks_that_wait_together) {
  for (const auto& [text, expected] :
       {std::pair{"3-6%2", "3-6"}, {"1-9:2", "1-9x2"}, {"2,4-5", "2,4-5"}, {"7", "7"}}) {
    const auto rows = rows_of(std::string{"kiln|1|"} + text + "|PENDING|N/A||a|b|None\n");
    EXPECT_EQ(rows.at(0).tasks, tasks(expected)) << text;
  }
  for (const char* text : {"N/A", "", "1-5,...", "x", "-1", "4294967294", "5-1"})
    EXPECT_TRUE(rows_of(std::string{"kiln|1|"} + text + "|PENDING|N/A||a|b|None\n").at(0).tasks.empty())
        << text;
}

TEST(parse_queue, passes_over_what_stands_around) {
  const auto rows = rows_of("squeue: warning: the cluster is busy\n\nWelcome to the cluster!\r\n"
                            "kiln|1|1|RUNNING|N/A|n1|a|b|None\r\nBye | bye\n");
  EXPECT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows_of("").size(), 0U);
}

TEST(parse_queue, a_reason_may_hold_anything) {
  EXPECT_EQ(rows_of("kiln|1|1|PENDING|N/A||a|b|(launch failed requeued held)\n").at(0).reason,
            "launch failed requeued held");
  EXPECT_EQ(rows_of("kiln|1|1|PENDING|N/A||a|b|x|y|z\n").at(0).reason, "x|y|z");
}

TEST(parse_queue, silence_and_other_columns_are_errors) {
  for (const std::string text : {"", "\n\n", "12 main render me R 0:01 1 n1\n", "JOBID PARTITION NAME\n",
                                 "kiln|1|1|RUNNING|N/A|n1|a|b|None\n" /* no header: it may be cut */}) {
    const auto parsed = parse_queue(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, errc::corrupt);
    EXPECT_NE(parsed.error().message.find("squeue"), std::string::npos);
  }
  for (const std::string line :
       {"kiln|1|1|RUNNING\n", "kiln|\n", "kiln|x|1|RUNNING|N/A|n1|a|b|None\n",
        "kiln|0|1|RUNNING|N/A|n1|a|b|None\n", "kiln|99999999999999999999999|1|RUNNING|N/A|n1|a|b|None\n"})
    EXPECT_FALSE(parse_queue(header + line)) << line;
}

TEST(parse_queue, survives_any_bytes) {
  std::string noise;
  for (int i = 0; i < 4096; ++i)
    noise += static_cast<char>(i * 7 % 256);
  EXPECT_FALSE(parse_queue(noise));
  EXPECT_TRUE(parse_queue(header + noise) || true);
  EXPECT_TRUE(
      rows_of("kiln|1|1|RUNNING|N/A|n1|" + std::string(100'000, 'x') + "|b|None\n").at(0).name.size() ==
      100'000);
}

TEST(parse_task_state, knows_slurms_names) {
  for (const auto& [name, state] : {std::pair{"PENDING", task_state::waiting},
                                    {"REQUEUE_HOLD", task_state::waiting},
                                    {"RUNNING", task_state::running},
                                    {"SUSPENDED", task_state::running},
                                    {"COMPLETING", task_state::ending},
                                    {"COMPLETED", task_state::completed},
                                    {"FAILED", task_state::failed},
                                    {"CANCELLED", task_state::cancelled},
                                    {"TIMEOUT", task_state::timed_out},
                                    {"OUT_OF_MEMORY", task_state::out_of_memory},
                                    {"NODE_FAIL", task_state::interrupted},
                                    {"PREEMPTED", task_state::interrupted},
                                    {"SOMETHING_NEW", task_state::running},
                                    {"", task_state::running}})
    EXPECT_EQ(parse_task_state(name), state) << name;
}

TEST(parse_time, dates_that_are_none) {
  for (const char* text : {"N/A", "", "2026-13-01T00:00:00", "2026-02-30T00:00:00", "2026-01-01T25:00:00",
                           "2026-01-01 00:00:00", "2026-01-01T00:00:0x", "-026-01-01T00:00:00"})
    EXPECT_FALSE(rows_of(std::string{"kiln|1|1|PENDING|"} + text + "||a|b|None\n").at(0).start) << text;
}

TEST(describe_reason, says_what_it_means) {
  EXPECT_EQ(describe_reason("Resources"), "no node is free (Resources)");
  EXPECT_EQ(describe_reason(""), "Slurm has not looked at it yet");
  EXPECT_EQ(describe_reason("SomethingNew"), "SomethingNew");
  EXPECT_EQ(describe_reason("ReqNodeNotAvail, UnavailableNodes:n1"),
            "the nodes that fit are down or reserved (ReqNodeNotAvail, UnavailableNodes:n1)");
  EXPECT_EQ(describe_reason("a\nb\x1b[31m"), "a b [31m");
  EXPECT_TRUE(is_held_after_launch("launch failed requeued held"));
  EXPECT_FALSE(is_held_after_launch("JobHeldUser"));
}

} // namespace
} // namespace kiln::slurm
