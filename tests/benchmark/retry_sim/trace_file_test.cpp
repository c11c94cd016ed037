// SPDX-License-Identifier: Apache-2.0
#include "retry_sim/simulation.hpp"
#include "retry_sim/trace_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace kiln::retry_sim {
namespace {

TEST(trace_file, a_line_is_a_job) {
  const auto job = parse_trace(R"({"family": "noisy", "frames": [19.5, 1, 0], "fail_at": 12.5, "more": 1})");
  ASSERT_TRUE(job);
  EXPECT_EQ(job->family, "noisy");
  EXPECT_THAT(job->frames, testing::ElementsAre(19.5, 1, 0));
  EXPECT_EQ(job->length(), 12.5);
  EXPECT_EQ(parse_trace(R"({"family": "a", "frames": [2, 1]})")->length(), 3);
}

TEST(trace_file, says_what_is_wrong_with_a_line) {
  const std::pair<const char*, const char*> table[] = {
      {"{", "not JSON"},
      {"[1]", "not a JSON object"},
      {R"({"frames": [1]})", "\"family\""},
      {R"({"family": "", "frames": [1]})", "\"family\""},
      {R"({"family": "a"})", "\"frames\""},
      {R"({"family": "a", "frames": []})", "\"frames\""},
      {R"({"family": "a", "frames": [1, "2"]})", "frame 2"},
      {R"({"family": "a", "frames": [1, -2]})", "frame 2"},
      {R"({"family": "a", "frames": [1e99]})", "frame 1"},
      {R"({"family": "a", "frames": [0, 0]})", "the job takes 0 s"},
      {R"({"family": "a", "frames": [2000000, 2000000]})", "the job takes 4000000 s"},
      {R"({"family": "a", "frames": [1], "fail_at": 0})", "\"fail_at\""},
      {R"({"family": "a", "frames": [1], "fail_at": "x"})", "\"fail_at\""},
  };
  for (const auto& [line, message] : table) {
    const auto job = parse_trace(line);
    ASSERT_FALSE(job) << line;
    EXPECT_THAT(job.error().message, testing::HasSubstr(message)) << line;
  }
}

TEST(trace_file, names_file_and_line) {
  const auto path = testing::TempDir() + "kiln_trace_file_test.jsonl";
  std::ofstream(path) << R"({"family": "a", "frames": [1]})"
                      << "\n\n"
                      << R"({"family": "a"})"
                      << "\n";
  const auto jobs = read_traces(path);
  ASSERT_FALSE(jobs);
  EXPECT_THAT(jobs.error().message, testing::StartsWith(path + ":3: \"frames\""));

  std::ofstream{path} << "\n";
  EXPECT_THAT(read_traces(path).error().message, testing::HasSubstr("there is no trace in it"));
  std::filesystem::remove(path);
  EXPECT_THAT(read_traces(path).error().message, testing::HasSubstr("No such file"));
}

// The client model, by hand: 10 s of work, asked every 4 s, is seen at 12 s and a bit.
TEST(simulation, the_client_obeys_the_header) {
  const trace job{.family = "a", .frames = {4, 3, 3}, .fail_at = {}};
  random_source random(1);
  std::vector<int> done;
  const auto result = play(
      job, job,
      [&](const situation& now, random_source&) {
        done.push_back(now.frames_done);
        EXPECT_EQ(now.frames_done + now.frames_left(), 3);
        EXPECT_GE(now.frame_age, 0);
        return 4.0;
      },
      random);
  EXPECT_THAT(done, testing::ElementsAre(0, 1, 2));
  EXPECT_EQ(result.polls, 3);
  EXPECT_GE(result.staleness, 2.0);
  EXPECT_LE(result.staleness, 2.0 + 4 * 0.05);
  EXPECT_DOUBLE_EQ(result.cost(), 3 + result.staleness);
}

TEST(simulation, a_job_that_dies_ends_there) {
  const trace job{.family = "a", .frames = {4, 300, 300}, .fail_at = 5.0};
  random_source random(1);
  const auto result = play(
      job, job, [](const situation&, random_source&) { return 6.0; }, random);
  EXPECT_EQ(result.polls, 1);
  EXPECT_EQ(result.length, 5);
  EXPECT_NEAR(result.staleness, 1, 0.1);
}

} // namespace
} // namespace kiln::retry_sim
