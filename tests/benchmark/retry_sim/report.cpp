// SPDX-License-Identifier: Apache-2.0
#include "retry_sim/report.hpp"

#include "retry_sim/baselines.hpp"
#include "retry_sim/own_policy.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kiln::retry_sim {
namespace {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The nearest rank; the median of an even number is the mean of the middle two.
double quantile(std::vector<double> values, double part) {
  std::ranges::sort(values);
  const auto count = values.size();
  if (part == 0.5 && count % 2 == 0)
    return (values[count / 2 - 1] + values[count / 2]) / 2;
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(count)));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

summary sum_up(const std::vector<const outcome*>& outcomes) {
  std::vector<double> polls, staleness, cost;
  for (const auto* one : outcomes) {
    polls.push_back(one->polls);
    staleness.push_back(one->staleness_percent());
    cost.push_back(one->cost());
  }
  return {.jobs = outcomes.size(),
          .polls_median = quantile(polls, 0.5),
          .polls_p95 = quantile(polls, 0.95),
          .polls_mean = mean(polls),
          .staleness_median = quantile(staleness, 0.5),
          .staleness_mean = mean(staleness),
          .cost = mean(cost)};
}

bool is_accident(const std::string& family) {
  return family == "stall" || family == "fail";
}

} // namespace

std::vector<contender> all_contenders() {
  return {{"kiln", own_policy({})},
          {"kiln, history", own_policy({.history = true})},
          {"kiln, samples", own_policy({.samples = true})},
          {"kiln, both", own_policy({.history = true, .samples = true})},
          {"fixed 5 s", fixed_policy()},
          {"doubling, cap 60 s", doubling_policy()},
          {"mean x left", mean_times_left_policy()},
          {"half of what is left", half_of_left_policy()},
          {"reference", reference_policy()},
          {"oracle", oracle_policy()}};
}

std::vector<row> play_all(std::span<const trace> jobs, const contender& contender, std::uint64_t seed) {
  std::vector<outcome> outcomes;
  for (std::size_t place = 0; place < jobs.size(); ++place) {
    std::seed_seq of_past{std::uint64_t{1}, seed, std::uint64_t{place}};
    std::seed_seq of_client{std::uint64_t{2}, seed, std::uint64_t{place}};
    random_source past_random(of_past), random(of_client);
    const auto past = earlier_run(jobs[place], past_random);
    outcomes.push_back(play(jobs[place], past, contender.policy, random));
  }

  std::vector<std::string> families;
  for (const auto& job : jobs)
    if (std::ranges::find(families, job.family) == families.end())
      families.push_back(job.family);

  std::vector<row> rows;
  const auto add = [&](const std::string& name, const auto& belongs) {
    std::vector<const outcome*> group;
    for (std::size_t place = 0; place < jobs.size(); ++place)
      if (belongs(jobs[place].family))
        group.push_back(&outcomes[place]);
    if (!group.empty())
      rows.push_back({contender.name, name, sum_up(group)});
  };
  add(everything, [](const std::string&) { return true; });
  add(without_accidents, [](const std::string& family) { return !is_accident(family); });
  for (const auto& family : families)
    add(family, [&](const std::string& other) { return other == family; });
  return rows;
}

std::string format_table(std::span<const row> rows) {
  std::string text = fmt::format("{:<21} {:<16} {:>5}  {:>24}  {:>18}  {:>7}\n", "", "", "", "polls",
                                 "staleness, % of T", "");
  text += fmt::format("{:<21} {:<16} {:>5}  {:>8}{:>8}{:>8}  {:>9}{:>9}  {:>7}\n", "policy", "family", "jobs",
                      "median", "p95", "mean", "median", "mean", "J");
  std::string policy;
  for (const auto& [name, family, result] : rows) {
    if (name != policy)
      text += '\n';
    policy = name;
    text += fmt::format("{:<21} {:<16} {:>5}  {:>8.1f}{:>8.1f}{:>8.1f}  {:>9.2f}{:>9.2f}  {:>7.2f}\n", name,
                        family, result.jobs, result.polls_median, result.polls_p95, result.polls_mean,
                        result.staleness_median, result.staleness_mean, result.cost);
  }
  return text;
}

std::string format_json(std::span<const row> rows, std::uint64_t seed) {
  boost::json::array list;
  for (const auto& [name, family, result] : rows) {
    boost::json::object polls{
        {"median", result.polls_median}, {"p95", result.polls_p95}, {"mean", result.polls_mean}};
    boost::json::object staleness{{"median", result.staleness_median}, {"mean", result.staleness_mean}};
    list.push_back(boost::json::object{{"policy", name},
                                       {"family", family},
                                       {"jobs", result.jobs},
                                       {"polls", std::move(polls)},
                                       {"staleness_percent", std::move(staleness)},
                                       {"j", result.cost}});
  }
  return boost::json::serialize(boost::json::object{{"seed", seed}, {"rows", std::move(list)}}) + '\n';
}

} // namespace kiln::retry_sim
