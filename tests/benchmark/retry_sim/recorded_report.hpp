// SPDX-License-Identifier: Apache-2.0
//
// How Kiln and others fare on recordings of real renders.
#pragma once

#include "retry_sim/replay.hpp"
#include "retry_sim/simulation.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace kiln::retry_sim {

/// How good the time left was during a job, looked at every quarter of a second.
struct quality {
  int looks = 0;      ///< after the first frame was published
  int within_1_5 = 0; ///< of these: likely and the truth differ by less than this factor
  int within_4 = 0;
  int held = 0;      ///< low and high held the truth
  int went_back = 0; ///< of all looks: progress was lower than at the one before
};

/// Times below this are one for a client, which polls in whole seconds: a factor is that of the times plus
/// it.
inline constexpr double blur = 1.0; ///< seconds

struct recorded_outcome {
  const recording* of = nullptr;
  outcome client;
  quality left;
  std::vector<double> polls; ///< seconds since the job was created

  /// Late by at most max(2 s, 10 % of T), and by at most max(3 s, 20 % of T).
  [[nodiscard]] bool is_soon() const;
  [[nodiscard]] bool is_bounded() const;
};

/// Seconds until the client shall ask again.
using recorded_policy = std::function<double(const replay&, const situation&, random_source&)>;

struct recorded_contender {
  std::string name;
  bool history = false; ///< an earlier run of the job is known
  recorded_policy policy;
};

/// Kiln without and with history, Kiln that polls against any sudden end, fixed 5 s, the tutorial's doubling,
/// mean times left, the reference, the oracle.
[[nodiscard]] std::vector<recorded_contender> recorded_contenders();

/// A client that obeys: POST at 0, then GET at now + Retry-After; round trips take 5 to 50 ms.
[[nodiscard]] recorded_outcome play(const recording& job, const recorded_contender& contender,
                                    std::uint64_t seed);

/// The mean, over a group of jobs.
struct recorded_summary {
  std::size_t jobs = 0;
  double polls = 0, late = 0, cost = 0;          ///< late in seconds
  double soon = 0, bounded = 0;                  ///< shares of the jobs, 0 to 1
  double within_1_5 = 0, within_4 = 0, held = 0; ///< shares of a job's looks, the mean of the jobs
  int went_back = 0;
};

[[nodiscard]] recorded_summary sum_up(std::span<const recorded_outcome> outcomes,
                                      const std::function<bool(const recording&)>& belongs);

[[nodiscard]] std::vector<recorded_outcome> play_all(std::span<const recording> jobs,
                                                     const recorded_contender& contender, std::uint64_t seed);
/// How good the time left was in a job.
[[nodiscard]] quality look_at(const recording& job);

/// Of the length that the targets are about: 5 to 60 s.
[[nodiscard]] bool is_middling(const recording& job);
/// Half of the recordings: constants were chosen with these in view. The others only check them.
[[nodiscard]] bool is_for_tuning(const recording& job);

/// By version and mode, then the other contenders, then the `worst` dearest jobs of Kiln one by one.
[[nodiscard]] std::string format_recorded(std::span<const recording> jobs, std::uint64_t seed,
                                          std::size_t worst);

/// For plots: the time left at every quarter of a second, tab-separated: kind, scene, seconds since the job
/// was created, frames done, seconds that were left, likely, low, high.
[[nodiscard]] std::string format_looks(std::span<const recording> jobs);

/// Compares what kilnd answered while it was recorded with what the replay answers at the same moments.
/// Answers next to an event are left out: the recorder and kilnd saw it some milliseconds apart.
struct answers_compared {
  int same = 0, left_out = 0;
  std::vector<std::string> different; ///< a sentence for each
};
[[nodiscard]] answers_compared compare_answers(const recording& job);

} // namespace kiln::retry_sim
