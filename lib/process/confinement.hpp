// SPDX-License-Identifier: Apache-2.0
//
// Walls made ready for processes that are about to be started: all that has to be looked up, opened and
// reckoned is done here, so that the launcher's child has nothing left to do but a few system calls.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "process/walls.hpp"

#include <memory>
#include <string>
#include <vector>

#include <linux/filter.h>

namespace kiln::process {

struct confinement {
  mechanism how = mechanism::off;
  std::vector<sock_filter> filter;  ///< for seccomp(2)
  aio::unique_descriptor ruleset{}; ///< Landlock's
  std::vector<aio::unique_descriptor>
      pinned; ///< files of /proc: forgotten by the kernel, they would be others
  std::vector<std::string>
      wrapper; ///< bwrap and its arguments, up to the program's; the filter is descriptor 3
};

using confinement_ptr = std::shared_ptr<const confinement>;

/// Blocks, for some tenths of a millisecond: for the pool. unsupported when this machine cannot keep such
/// walls; the error says what to do. A null pointer for mechanism::off.
[[nodiscard]] result<confinement_ptr> confine(mechanism how, const walls& around);

/// The same as an older kernel would: `version` of Landlock's interface, at most landlock_version().
[[nodiscard]] result<confinement_ptr> confine_by_landlock(const walls& around, int version);

} // namespace kiln::process
