// SPDX-License-Identifier: Apache-2.0
//
// kiln-retry-sim: the command.
#include "retry_sim/report.hpp"
#include "retry_sim/trace_file.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>

int main(int argc, char** argv) {
  CLI::App app{
      "Plays recorded render jobs against Kiln's Retry-After policy and others, with a client that\n"
      "obeys the header, and prints how often it polled and how late it learned of the end.\n\n"
      "J = polls + staleness / max(1 s, 1 % of T); less is better.\n\n"
      "FILE has one job a line: {\"family\": \"noisy\", \"frames\": [19.1, 1.7], \"fail_at\": null}\n"
      "(seconds of each frame, the first with the scene's loading; fail_at: when the job died).",
      "kiln-retry-sim"};
  std::string file;
  std::uint64_t seed = 1;
  bool json = false;
  app.add_option("FILE", file, "trace file (JSON lines)")->required();
  app.add_option("--seed", seed, "of the round trips, the rounding and the earlier runs")
      ->capture_default_str();
  app.add_flag("--json", json, "print JSON instead of a table");
  CLI11_PARSE(app, argc, argv);

  const auto jobs = kiln::retry_sim::read_traces(file);
  if (!jobs) {
    fmt::print(stderr, "kiln-retry-sim: {}\n", jobs.error().message);
    return 1;
  }
  std::vector<kiln::retry_sim::row> rows;
  for (const auto& contender : kiln::retry_sim::all_contenders())
    std::ranges::move(kiln::retry_sim::play_all(*jobs, contender, seed), std::back_inserter(rows));
  fmt::print("{}", json ? kiln::retry_sim::format_json(rows, seed) : kiln::retry_sim::format_table(rows));
}
