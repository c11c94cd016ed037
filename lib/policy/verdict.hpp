// SPDX-License-Identifier: Apache-2.0
//
// What became of an attempt, from the facts that were observed: pure. An attempt succeeded when Blender
// exited with status 0 AND every frame that was asked for is published; Blender exits 0 on many failures, so
// neither alone counts.
#pragma once

#include "domain/attempt.hpp"

#include <optional>

namespace kiln::policy {

struct verdict {
  domain::attempt_outcome outcome = domain::attempt_outcome::failed;
  std::optional<domain::failure> failure = {}; ///< set when failed; says why in the API's words
};

/// A SIGTERM that Kiln did not send is a user's `kill PID`: it cancels. Any other death by signal is a
/// failure. When nobody saw the end (kilnd was away), the frames alone decide: all there is success; else the
/// log's reason is a failure, and without one it was an interruption.
[[nodiscard]] verdict decide_verdict(const domain::attempt_facts& facts);

} // namespace kiln::policy
