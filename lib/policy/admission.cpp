// SPDX-License-Identifier: Apache-2.0
#include "policy/admission.hpp"

namespace kiln::policy {

admission decide_admission(const load& now, const capacity& limits) noexcept {
  if (now.running < limits.slots && now.queued == 0)
    return admission::start;
  return now.queued < limits.max_queued ? admission::queue : admission::refuse;
}

} // namespace kiln::policy
