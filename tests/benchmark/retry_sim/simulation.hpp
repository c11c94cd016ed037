// SPDX-License-Identifier: Apache-2.0
//
// Plays a recorded job against a header policy: a client asks, obeys Retry-After, and asks again until it
// learns of the end. Pure: no clock, no files; all chance comes from the generator that is passed in.
#pragma once

#include "policy/estimate.hpp"

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace kiln::retry_sim {

/// One job as it happened. Frames run one after the other; the first one holds the loading of the scene.
struct trace {
  std::string family;
  std::vector<double> frames;    ///< seconds of each, at least one
  std::optional<double> fail_at; ///< seconds since the start; the job dies then

  /// Seconds from the start to the end, good or bad.
  [[nodiscard]] double length() const;
};

using random_source = std::mt19937_64;

/// What a server knows at the moment it answers, and (for the oracle and the models of history and samples)
/// the truth.
struct situation {
  const trace& job;
  const trace& past; ///< an earlier run of the same job, as the store would remember it
  const policy::frame_timing& timing;
  int frames_done = 0;
  double elapsed = 0;   ///< seconds since the start
  double frame_age = 0; ///< seconds since the current frame began

  [[nodiscard]] int frames_left() const { return static_cast<int>(job.frames.size()) - frames_done; }
};

/// Seconds until the client shall ask again, above zero.
using header_policy = std::function<double(const situation&, random_source&)>;

/// How a client fared with one job.
struct outcome {
  int polls = 0;        ///< GETs, the last one included; the POST is not one
  double staleness = 0; ///< seconds between the end and the client's learning of it
  double length = 0;    ///< T: seconds of the job

  [[nodiscard]] double staleness_percent() const { return 100 * staleness / length; }
  /// J = polls + staleness / max(1 s, 1 % of T)
  [[nodiscard]] double cost() const;
};

/// The client of the page: POST, then GET at now + Retry-After; a round trip takes 5 to 50 ms, and the server
/// looks at the job in the middle of it.
[[nodiscard]] outcome play(const trace& job, const trace& past, const header_policy& policy,
                           random_source& random);

/// An earlier run of the same job on the same machine: the whole of it was faster or slower (lognormal, 15
/// %), and each frame by itself (lognormal, 10 %); it did not fail.
[[nodiscard]] trace earlier_run(const trace& job, random_source& random);

} // namespace kiln::retry_sim
