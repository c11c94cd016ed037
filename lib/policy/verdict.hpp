// SPDX-License-Identifier: Apache-2.0
//
// What became of an attempt, from the facts that were observed: pure. An attempt succeeded when Blender
// exited with status 0 AND every frame that was asked for is published; Blender exits 0 on many failures, so
// neither alone counts.
#pragma once

#include "domain/attempt.hpp"
#include "domain/job.hpp"

#include <optional>

namespace kiln::policy {

struct verdict {
  domain::job_state state = domain::job_state::failed; ///< final
  std::optional<domain::failure> failure;              ///< set when failed; says why in the API's words
};

/// A SIGTERM that Kiln did not send is a user's `kill PID`: it cancels. Any other death by signal is a
/// failure.
[[nodiscard]] verdict decide_verdict(const domain::attempt_facts& facts);

} // namespace kiln::policy
