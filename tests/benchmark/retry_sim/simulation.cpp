// SPDX-License-Identifier: Apache-2.0
#include "retry_sim/simulation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kiln::retry_sim {

double trace::length() const {
  const double all = std::accumulate(frames.begin(), frames.end(), 0.0);
  return fail_at ? std::min(*fail_at, all) : all;
}

double outcome::cost() const {
  return polls + staleness / std::max(1.0, length / 100);
}

outcome play(const trace& job, const trace& past, const header_policy& policy, random_source& random) {
  std::uniform_real_distribution<double> round_trip(0.005, 0.050);
  const double end = job.length();
  policy::frame_timing timing;
  int done = 0;
  double frame_began = 0;
  outcome result{.length = end};

  double looked = 0;                        // the server looks at the job; the POST is answered as it starts
  double answered = round_trip(random) / 2; // the client has the answer
  for (;;) {
    const double wait = policy({job, past, timing, done, looked, looked - frame_began}, random);
    const double trip = round_trip(random);
    looked = answered + wait + trip / 2;
    answered = looked + trip / 2;
    ++result.polls;
    if (looked >= end) {
      result.staleness = answered - end;
      return result;
    }
    while (frame_began + job.frames[static_cast<std::size_t>(done)] <= looked) {
      const double seconds = job.frames[static_cast<std::size_t>(done++)];
      timing.frame_done(seconds);
      frame_began += seconds;
    }
  }
}

trace earlier_run(const trace& job, random_source& random) {
  std::lognormal_distribution<double> whole(0, 0.15);
  std::lognormal_distribution<double> single(0, 0.10);
  trace past{.family = job.family, .frames = job.frames, .fail_at = {}};
  const double factor = whole(random);
  for (double& seconds : past.frames)
    seconds *= factor * single(random);
  return past;
}

} // namespace kiln::retry_sim
