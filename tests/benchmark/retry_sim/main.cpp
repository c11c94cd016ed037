// SPDX-License-Identifier: Apache-2.0
//
// kiln-retry-sim: the command.
#include "retry_sim/recorded_report.hpp"
#include "retry_sim/report.hpp"
#include "retry_sim/trace_file.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

namespace {

int compare(const std::vector<kiln::retry_sim::recording>& recorded) {
  int same = 0, left_out = 0;
  bool differ = false;
  for (const auto& job : recorded) {
    const auto found = kiln::retry_sim::compare_answers(job);
    same += found.same;
    left_out += found.left_out;
    for (const auto& sentence : found.different)
      fmt::print("{}\n", sentence);
    differ = differ || !found.different.empty();
  }
  fmt::print("{} answers are the same, {} came next to an event and were left out\n", same, left_out);
  return differ || same == 0 ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Plays recorded render jobs against Kiln's Retry-After policy and others, with a client that\n"
      "obeys the header, and prints how often it polled and how late it learned of the end.\n\n"
      "J = polls + staleness / max(1 s, 1 % of T); less is better.\n\n"
      "FILE has one job a line: {\"family\": \"noisy\", \"frames\": [19.1, 1.7], \"fail_at\": null}\n"
      "(seconds of each frame, the first with the scene's loading; fail_at: when the job died).\n"
      "With --recordings, the FILEs hold recordings of real renders instead, made by\n"
      "tests/benchmark/traces/record; they may be packed by gzip.",
      "kiln-retry-sim"};
  std::vector<std::string> files;
  std::uint64_t seed = 1;
  std::size_t worst = 10;
  bool json = false, recordings = false, answers = false, looks = false;
  app.add_option("FILE", files, "trace file (JSON lines)")->required();
  app.add_flag("--recordings", recordings, "the files are recordings of real renders");
  app.add_flag(
      "--answers", answers,
      "compare what kilnd answered during the recordings (record --ask) with the replay; exit 1 where\n"
      "they differ");
  app.add_flag("--looks", looks,
               "print the time left at every quarter of a second, for tests/benchmark/retry/plot");
  app.add_option("--worst", worst, "recordings to show one by one, the dearest first")->capture_default_str();
  app.add_option("--seed", seed, "of the round trips, the rounding and the earlier runs")
      ->capture_default_str();
  app.add_flag("--json", json, "print JSON instead of a table");
  CLI11_PARSE(app, argc, argv);

  if (recordings) {
    const auto recorded = kiln::retry_sim::read_recordings(files);
    if (!recorded) {
      fmt::print(stderr, "kiln-retry-sim: {}\n", recorded.error().message);
      return 1;
    }
    if (looks) {
      fmt::print("{}", kiln::retry_sim::format_looks(*recorded));
      return 0;
    }
    if (answers)
      return compare(*recorded);
    fmt::print("{}", kiln::retry_sim::format_recorded(*recorded, seed, worst));
    return 0;
  }
  const auto jobs = kiln::retry_sim::read_traces(files.front());
  if (!jobs) {
    fmt::print(stderr, "kiln-retry-sim: {}\n", jobs.error().message);
    return 1;
  }
  std::vector<kiln::retry_sim::row> rows;
  for (const auto& contender : kiln::retry_sim::all_contenders())
    std::ranges::move(kiln::retry_sim::play_all(*jobs, contender, seed), std::back_inserter(rows));
  fmt::print("{}", json ? kiln::retry_sim::format_json(rows, seed) : kiln::retry_sim::format_table(rows));
}
