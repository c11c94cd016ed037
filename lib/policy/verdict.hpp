// SPDX-License-Identifier: Apache-2.0
//
// Judges an attempt from the observed facts: pure. An attempt succeeded if Blender exited with status 0 AND
// every requested frame is published; Blender exits with 0 on many failures, so neither alone suffices.
#pragma once

#include "domain/attempt.hpp"

#include <optional>

namespace kiln::policy {

struct verdict {
  domain::attempt_outcome outcome = domain::attempt_outcome::failed;
  std::optional<domain::failure> failure = {}; ///< set if failed; the reason in the API's terms
};

/// A SIGTERM not sent by Kiln is a user's `kill PID`: it cancels. Any other death by signal is a failure. If
/// the end was not observed (kilnd did not run), the frames decide: all there means success; otherwise a
/// reason in the log means failure, and without one the attempt was interrupted.
[[nodiscard]] verdict decide_verdict(const domain::attempt_facts& facts);

} // namespace kiln::policy
