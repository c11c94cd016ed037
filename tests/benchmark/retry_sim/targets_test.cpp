// SPDX-License-Identifier: Apache-2.0
//
// The targets that the policy has to reach on the traces of this folder (docs/policy.md), each for several
// seeds, so that no lucky one passes.
#include "retry_sim/baselines.hpp"
#include "retry_sim/own_policy.hpp"
#include "retry_sim/report.hpp"
#include "retry_sim/trace_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace kiln::retry_sim {
namespace {

std::vector<trace> traces(const std::string& name) {
  return read_traces(std::string(KILN_TRACES) + "/" + name).value();
}

const summary& of(const std::vector<row>& rows, const std::string& family) {
  const auto found = std::ranges::find(rows, family, &row::family);
  if (found == rows.end())
    throw std::runtime_error("no row " + family);
  return found->result;
}

class policy_targets : public testing::TestWithParam<std::uint64_t> {
protected:
  std::vector<row> rows(const std::vector<trace>& jobs, header_policy policy) const {
    return play_all(jobs, {"tested", std::move(policy)}, GetParam());
  }
};

TEST_P(policy_targets, families_without_history) {
  const auto jobs = traces("families.jsonl");
  const auto own = rows(jobs, own_policy({}));
  const auto& usual = of(own, without_accidents);
  EXPECT_LE(usual.cost, 12.5);
  EXPECT_LE(usual.polls_median, 11);
  EXPECT_LE(usual.staleness_mean, 3.6);
  EXPECT_LE(of(own, "stall").cost, 20);
  EXPECT_LE(of(own, "fail").cost, 25);
  for (const auto& [name, family, result] : own)
    if (family != "stall" && family != "fail") {
      EXPECT_LE(result.cost, 18) << family;
    }
}

TEST_P(policy_targets, families_with_history) {
  const auto own = rows(traces("families.jsonl"), own_policy({.history = true}));
  EXPECT_LE(of(own, without_accidents).cost, 11);
  EXPECT_LE(of(own, "stall").cost, 20);
  EXPECT_LE(of(own, "fail").cost, 25);
}

TEST_P(policy_targets, families_with_samples) {
  const auto own = rows(traces("families.jsonl"), own_policy({.samples = true}));
  EXPECT_LE(of(own, without_accidents).cost, 11);
  EXPECT_LE(of(own, "stall").cost, 20);
  EXPECT_LE(of(own, "fail").cost, 25);
}

TEST_P(policy_targets, the_reference_is_beaten) {
  const auto jobs = traces("families.jsonl");
  const auto reference = of(rows(jobs, reference_policy()), everything).cost;
  const auto own = of(rows(jobs, own_policy({})), everything).cost;
  EXPECT_LT(own, reference);
  EXPECT_LT(of(rows(jobs, own_policy({.history = true})), everything).cost, own);
  EXPECT_LT(of(rows(jobs, own_policy({.samples = true})), everything).cost, own);
}

TEST_P(policy_targets, the_oracle_asks_once) {
  const auto oracle = rows(traces("families.jsonl"), oracle_policy());
  EXPECT_EQ(of(oracle, everything).polls_p95, 1);
  EXPECT_LT(of(oracle, everything).cost, 2);
}

INSTANTIATE_TEST_SUITE_P(seeds, policy_targets, testing::Range<std::uint64_t>(1, 7));

} // namespace
} // namespace kiln::retry_sim
