// SPDX-License-Identifier: Apache-2.0
#include "retry_sim/recorded_report.hpp"

#include "retry_sim/baselines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace kiln::retry_sim {
namespace {

constexpr double look_interval = 0.25; // seconds

recorded_contender baseline(std::string name, header_policy policy) {
  return {std::move(name), false,
          [policy = std::move(policy)](const replay&, const situation& now, random_source& random) {
            return policy(now, random);
          }};
}

double own(const replay& now, const situation&, random_source& random) {
  return now.retry_after(std::uniform_real_distribution<double>()(random));
}

/// Kiln's, but so often that no end, however sudden, is learnt later than by max(3 s, 20 % of T).
double guaranteed(const replay& now, const situation& where, random_source& random) {
  return std::min(own(now, where, random), std::max(3.0, std::floor(where.elapsed / 5)));
}

bool differ_less(double a, double b, double factor) {
  const double x = a + blur, y = b + blur;
  return std::max(x, y) < factor * std::min(x, y);
}

std::string row(const std::string& name, const recorded_summary& s) {
  return fmt::format("| {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} |\n",
                     name, s.jobs, s.polls, s.late, s.cost, 100 * s.soon, 100 * s.bounded, 100 * s.within_1_5,
                     100 * s.within_4, 100 * s.held);
}

constexpr auto header = "| | jobs | polls | late s | J | late at most 2 s or 10 % | 3 s or 20 % | within 1.5 "
                        "| within 4 | low to high |\n"
                        "|---|---|---|---|---|---|---|---|---|---|\n";

} // namespace

bool recorded_outcome::is_soon() const {
  return client.staleness <= std::max(2.0, client.length / 10);
}

bool recorded_outcome::is_bounded() const {
  return client.staleness <= std::max(3.0, client.length / 5);
}

std::vector<recorded_contender> recorded_contenders() {
  return {{"kiln", false, own},
          {"kiln, history", true, own},
          {"kiln, 3 s or 20 % guaranteed", false, guaranteed},
          baseline("fixed 5 s", fixed_policy()),
          baseline("doubling, cap 60 s", doubling_policy()),
          baseline("mean x left", mean_times_left_policy()),
          baseline("reference", reference_policy()),
          baseline("oracle", oracle_policy())};
}

quality look_at(const recording& job) {
  quality found;
  replay now(job);
  double before = 0;
  for (double t = look_interval; t < job.end; t += look_interval) {
    now.advance_to(t);
    const double progress = now.progress();
    found.went_back += progress < before;
    before = progress;
    if (now.frames_done() == 0)
      continue;
    const double truth = job.end - t;
    ++found.looks;
    const auto left = now.time_left();
    if (!left)
      continue;
    found.within_1_5 += differ_less(left->likely, truth, 1.5);
    found.within_4 += differ_less(left->likely, truth, 4);
    found.held += left->low() <= truth && truth <= left->high();
  }
  return found;
}

recorded_outcome play(const recording& job, const recorded_contender& contender, std::uint64_t seed) {
  std::uniform_real_distribution<double> round_trip(0.005, 0.050);
  std::seed_seq of_job{seed, std::uint64_t{job.events.size()}, static_cast<std::uint64_t>(1000 * job.end)};
  random_source random(of_job);
  const auto truth = job.as_trace();
  const auto past = earlier_run(truth, random);
  replay now(job, contender.history ? std::optional{past} : std::nullopt);
  recorded_outcome made{.of = &job, .client = {.length = job.end}, .left = {}, .polls = {}};
  double looked = 0, answered = round_trip(random) / 2;
  for (;;) {
    now.advance_to(looked);
    const auto& timing = now.timeline().timing();
    const auto standing = now.standing();
    const double wait =
        contender.policy(now, {truth, past, timing, now.frames_done(), looked, standing.frame_age}, random);
    const double trip = round_trip(random);
    looked = answered + wait + trip / 2;
    answered = looked + trip / 2;
    made.polls.push_back(looked);
    ++made.client.polls;
    if (looked >= job.end)
      break;
  }
  made.client.staleness = answered - job.end;
  return made;
}

recorded_summary sum_up(std::span<const recorded_outcome> outcomes,
                        const std::function<bool(const recording&)>& belongs) {
  recorded_summary s;
  int looked = 0; // jobs
  for (const auto& one : outcomes) {
    if (!belongs(*one.of))
      continue;
    ++s.jobs;
    s.polls += one.client.polls;
    s.late += one.client.staleness;
    s.cost += one.client.cost();
    s.soon += one.is_soon();
    s.bounded += one.is_bounded();
    if (one.left.looks > 0) {
      const double looks = one.left.looks;
      ++looked;
      s.within_1_5 += one.left.within_1_5 / looks;
      s.within_4 += one.left.within_4 / looks;
      s.held += one.left.held / looks;
    }
    s.went_back += one.left.went_back;
  }
  const double jobs = std::max<double>(1, static_cast<double>(s.jobs)), all = std::max(1, looked);
  for (auto* share : {&s.polls, &s.late, &s.cost, &s.soon, &s.bounded})
    *share /= jobs;
  for (auto* share : {&s.within_1_5, &s.within_4, &s.held})
    *share /= all;
  return s;
}

std::vector<recorded_outcome> play_all(std::span<const recording> jobs, const recorded_contender& contender,
                                       std::uint64_t seed) {
  std::vector<recorded_outcome> outcomes;
  for (const auto& job : jobs)
    outcomes.push_back(play(job, contender, seed));
  return outcomes;
}

std::string format_recorded(std::span<const recording> jobs, std::uint64_t seed, std::size_t worst) {
  const auto contenders = recorded_contenders();
  auto kiln = play_all(jobs, contenders.front(), seed);
  for (auto& one : kiln)
    one.left = look_at(*one.of);
  std::vector<std::string> kinds;
  for (const auto& job : jobs)
    if (std::ranges::find(kinds, job.kind()) == kinds.end())
      kinds.push_back(job.kind());
  std::ranges::sort(kinds);
  std::string text = header;
  for (const auto& kind : kinds)
    text += row(kind, sum_up(kiln, [&](const recording& job) { return job.kind() == kind; }));
  text += row("all", sum_up(kiln, [](const recording&) { return true; }));
  text += row("5 to 60 s", sum_up(kiln, is_middling));
  text += row("first half", sum_up(kiln, is_for_tuning));
  text += row("second half", sum_up(kiln, [](const recording& job) { return !is_for_tuning(job); }));
  text += fmt::format("\n| 5 to 60 s | polls | late s | J | late at most 2 s or 10 % | 3 s or 20 % "
                      "|\n|---|---|---|---|---|---|\n");
  for (const auto& contender : contenders) {
    const auto s = sum_up(play_all(jobs, contender, seed), is_middling);
    text += fmt::format("| {} | {:.2f} | {:.2f} | {:.2f} | {:.0f} | {:.0f} |\n", contender.name, s.polls,
                        s.late, s.cost, 100 * s.soon, 100 * s.bounded);
  }
  std::ranges::sort(kiln, std::greater{}, [](const recorded_outcome& one) { return one.client.cost(); });
  text += fmt::format("\nprogress went back {} times\n\n| dearest jobs | T s | polls at s | late s | J "
                      "|\n|---|---|---|---|---|\n",
                      sum_up(kiln, [](const recording&) { return true; }).went_back);
  for (const auto& one : std::span(kiln).first(std::min(worst, kiln.size()))) {
    std::string polls;
    for (const double at : one.polls)
      polls += fmt::format("{}{:.0f}", polls.empty() ? "" : ", ", at);
    text += fmt::format("| {} {} {} | {:.1f} | {} | {:.1f} | {:.1f} |\n", one.of->kind(), one.of->scene,
                        domain::format_frame_set(one.of->frames), one.client.length, polls,
                        one.client.staleness, one.client.cost());
  }
  return text;
}

bool is_middling(const recording& job) {
  return job.end >= 5 && job.end <= 60;
}

bool is_for_tuning(const recording& job) {
  std::uint32_t hash = 2166136261; // FNV-1a: the same on every machine
  for (const char c :
       job.kind() + job.scene + domain::format_frame_set(job.frames) + std::to_string(job.cores))
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
  return (hash >> 16) % 2 == 0;
}

std::string format_looks(std::span<const recording> jobs) {
  std::string text;
  for (const auto& job : jobs) {
    replay now(job);
    for (double t = look_interval; t < job.end; t += look_interval) {
      now.advance_to(t);
      if (const auto left = now.time_left())
        text += fmt::format("{}\t{}\t{:.2f}\t{}\t{:.2f}\t{:.2f}\t{:.2f}\t{:.2f}\n", job.kind(), job.scene, t,
                            now.frames_done(), job.end - t, left->likely, left->low(), left->high());
    }
  }
  return text;
}

answers_compared compare_answers(const recording& job) {
  constexpr double near = 0.05; // seconds
  answers_compared found;
  replay now(job);
  for (auto event = job.events.begin(); event != job.events.end(); ++event) {
    const auto* live = std::get_if<live_answer>(&event->what);
    if (!live)
      continue;
    now.advance_to(event->at);
    const bool is_disturbed = std::ranges::any_of(job.events, [&](const recorded_event& other) {
      return !std::holds_alternative<live_answer>(other.what) && std::abs(other.at - event->at) < near;
    });
    if (is_disturbed) {
      ++found.left_out;
      continue;
    }
    const auto left = now.time_left();
    const double likely = left ? left->likely : -1, told = live->likely.value_or(-1);
    const int least = now.retry_after(0), most = now.retry_after(0.999); // it is rounded by chance
    const bool is_same = std::abs(likely - told) <= 0.1 + 0.03 * std::abs(told) &&
                         std::abs(now.progress() - live->progress) < 1e-6 && live->retry_after >= least - 1 &&
                         live->retry_after <= most + 1;
    if (is_same)
      ++found.same;
    else
      found.different.push_back(fmt::format("{} {} at {:.3f} s: kilnd answered {:.2f} s left, progress "
                                            "{:.4f}, Retry-After {}; the replay {:.2f} s, "
                                            "{:.4f}, {} to {}",
                                            job.kind(), job.scene, event->at, told, live->progress,
                                            live->retry_after, likely, now.progress(), least, most));
  }
  return found;
}

} // namespace kiln::retry_sim
