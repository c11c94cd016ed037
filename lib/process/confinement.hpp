// SPDX-License-Identifier: Apache-2.0
//
// A sandbox prepared for a process to be started: all lookups, opens and computations happen here, so that
// the launcher's child only makes a few system calls.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "process/credentials.hpp"
#include "process/walls.hpp"

#include <memory>
#include <string>
#include <vector>

#include <linux/filter.h>

namespace kiln::process {

struct confinement {
  mechanism how = mechanism::off;
  std::vector<sock_filter> filter;            ///< for seccomp(2)
  aio::unique_descriptor ruleset{};           ///< Landlock's
  std::vector<aio::unique_descriptor> pinned; ///< /proc files kept open, since the kernel may recreate them
  std::vector<std::string>
      wrapper; ///< bwrap and its arguments, up to the program's; the filter is descriptor 3
};

using confinement_ptr = std::shared_ptr<const confinement>;

/// Blocks for some tenths of a millisecond: for the pool. unsupported if this machine cannot enforce the
/// policy; the error says what to do. Null for mechanism::off. `user`: of the process; null: kilnd's own.
[[nodiscard]] result<confinement_ptr> confine(mechanism how, const walls& around,
                                              const credentials* user = nullptr);

/// The same as on an older kernel: `version` of the Landlock ABI, at most landlock_version().
[[nodiscard]] result<confinement_ptr> confine_by_landlock(const walls& around, int version);

} // namespace kiln::process
