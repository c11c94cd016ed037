// SPDX-License-Identifier: Apache-2.0
//
// The targets that the policy has to reach on the recordings of real renders (docs/policy.md), each for
// several seeds. A recording of a machine that did other work at the same time counts like any other.
#include "retry_sim/recorded_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace kiln::retry_sim {
namespace {

const std::vector<recording>& jobs() {
  static const auto all =
      read_recordings({KILN_TRACES "/recorded-2.83.jsonl.gz", KILN_TRACES "/recorded-3.4.jsonl.gz",
                       KILN_TRACES "/recorded-4.3.jsonl.gz", KILN_TRACES "/recorded-5.2.jsonl.gz"})
          .value();
  return all;
}

/// A shorter job has hardly a look after its first frame.
bool is_long_enough(const recording& job) {
  return job.end >= 5;
}

class recorded_targets : public testing::TestWithParam<std::uint64_t> {
protected:
  static std::vector<recorded_outcome> play(std::size_t contender) {
    return play_all(jobs(), recorded_contenders().at(contender), GetParam());
  }
};

TEST_P(recorded_targets, clients_that_obey) {
  const auto all = play(0);
  const auto middling = sum_up(all, is_middling);
  EXPECT_LE(middling.cost, 4.5);
  EXPECT_GE(middling.soon, 0.95);
  EXPECT_GE(middling.bounded, 0.98);
  const auto checked =
      sum_up(all, [](const recording& job) { return is_middling(job) && !is_for_tuning(job); });
  EXPECT_LE(checked.cost, 4.5) << "on the half that was not looked at";
}

TEST_P(recorded_targets, an_earlier_run_makes_it_better) {
  EXPECT_LE(sum_up(play(1), is_middling).cost, 3.9);
}

TEST_P(recorded_targets, others_are_beaten) {
  const auto own = sum_up(play(0), is_middling).cost;
  for (std::size_t other = 2; other + 1 < recorded_contenders().size(); ++other)
    EXPECT_LT(own, sum_up(play(other), is_middling).cost) << recorded_contenders()[other].name;
}

INSTANTIATE_TEST_SUITE_P(seeds, recorded_targets, testing::Range<std::uint64_t>(1, 7));

TEST(recorded_time_left, is_near_the_truth_and_progress_never_goes_back) {
  std::vector<recorded_outcome> all;
  for (const auto& job : jobs())
    all.push_back({.of = &job, .client = {}, .left = look_at(job), .polls = {}});
  const auto sum = sum_up(all, is_long_enough);
  EXPECT_GE(sum.within_1_5, 0.80);
  EXPECT_GE(sum.within_4, 0.97);
  EXPECT_GE(sum.held, 0.70);
  EXPECT_LE(sum.held, 0.90);
  EXPECT_EQ(sum_up(all, [](const recording&) { return true; }).went_back, 0);
}

TEST(recordings, are_of_many_natures) {
  std::set<std::string> scenes, kinds;
  for (const auto& job : jobs()) {
    scenes.insert(job.scene);
    kinds.insert(job.kind());
  }
  EXPECT_GE(jobs().size(), 150u);
  EXPECT_GE(scenes.size(), 12u);
  EXPECT_GE(kinds.size(), 15u);
}

TEST(recording, says_what_is_wrong_with_a_line) {
  const std::pair<const char*, const char*> table[] = {
      {"{", "not JSON"},
      {"[1]", "not a JSON object"},
      {"{}", "not a recording"},
      {R"({"scene":"a","blender":"3.4","mode":"own","engine":"CYCLES","cores":2,"load":[1],"frames":"1-2","began":0,)"
       R"("events":[[5,"frame",{"frame":1,"closed":5}],[9,"end","succeeded"]]})",
       "1 of 2 frames"},
      {R"({"scene":"a","blender":"3.4","mode":"own","engine":"CYCLES","cores":2,"load":[1],"frames":"1","began":0,)"
       R"("events":[[5,"frame",{"frame":1,"closed":5}]]})",
       "no end"},
      {R"({"scene":"a","blender":"3.4","mode":"own","engine":"CYCLES","cores":2,"load":[1],"frames":"1","began":0,)"
       R"("events":[[5,"surprise",{}]]})",
       "no event \"surprise\""},
  };
  for (const auto& [line, message] : table) {
    const auto job = parse_recording(line);
    ASSERT_FALSE(job) << line;
    EXPECT_NE(job.error().message.find(message), std::string::npos) << job.error().message;
  }
}

} // namespace
} // namespace kiln::retry_sim
