// SPDX-License-Identifier: Apache-2.0
//
// Plays many jobs against every policy and sums up how the clients fared.
#pragma once

#include "retry_sim/simulation.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kiln::retry_sim {

struct contender {
  std::string name;
  header_policy policy;
};

/// Kiln's three ways (nothing else known, history, samples), then the baselines, the oracle last.
[[nodiscard]] std::vector<contender> all_contenders();

/// How clients fared in one group of jobs; staleness in per cent of T.
struct summary {
  std::size_t jobs = 0;
  double polls_median = 0, polls_p95 = 0, polls_mean = 0;
  double staleness_median = 0, staleness_mean = 0;
  double cost = 0; ///< mean of J
};

struct row {
  std::string policy;
  std::string family; ///< or one of the groups below
  summary result;
};

inline constexpr const char* without_accidents = "no stall, fail"; ///< every family but those two
inline constexpr const char* everything = "all";

/// All rows of one policy: its two groups first, then its families in the order of the file. The chance of a
/// job depends on the seed and its place alone, so every policy meets the same round trips and past runs.
[[nodiscard]] std::vector<row> play_all(std::span<const trace> jobs, const contender& contender,
                                        std::uint64_t seed);

[[nodiscard]] std::string format_table(std::span<const row> rows);
[[nodiscard]] std::string format_json(std::span<const row> rows, std::uint64_t seed);

} // namespace kiln::retry_sim
