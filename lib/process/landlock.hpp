// SPDX-License-Identifier: Apache-2.0
//
// Files, by Landlock (landlock(7)): the process gives up all rights on files but those that are listed.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "process/walls.hpp"

#include <vector>

namespace kiln::process {

/// The version of Landlock's interface that this kernel has: 1 (Linux 5.13) and up; 0: none, or switched off.
[[nodiscard]] int landlock_version() noexcept;

/// From this version on signals and abstract sockets stay within the walls, and need no filter.
inline constexpr int landlock_scopes = 6;
/// From this version on a file cannot be cut short without the right to write.
inline constexpr int landlock_truncates = 3;

struct landlock_rules {
  aio::unique_descriptor ruleset{};
  std::vector<aio::unique_descriptor> pinned; ///< see confinement
};

/// `version`: of the interface, at most the kernel's; tests ask for older ones. Blocks.
[[nodiscard]] result<landlock_rules> make_landlock_rules(const walls& around, int version);

/// To be called in the process itself: it may read what /proc says of it, which has no name before it lives.
/// Async-signal-safe; errno says why it is false.
[[nodiscard]] bool allow_own_proc(int ruleset) noexcept;

/// The same; from here on the rules hold. Needs PR_SET_NO_NEW_PRIVS.
[[nodiscard]] bool enter_landlock(int ruleset) noexcept;

} // namespace kiln::process
