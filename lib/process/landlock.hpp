// SPDX-License-Identifier: Apache-2.0
//
// File access control by Landlock (landlock(7)): the process gives up all rights on files except the listed
// ones.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"
#include "process/walls.hpp"

#include <vector>

namespace kiln::process {

/// The Landlock ABI version of this kernel: 1 (Linux 5.13) and up; 0: none, or switched off.
[[nodiscard]] int landlock_version() noexcept;

/// From this version on Landlock restricts signals and abstract sockets, which then need no filter.
inline constexpr int landlock_scopes = 6;
/// From this version on truncating a file needs the right to write.
inline constexpr int landlock_truncates = 3;

struct landlock_rules {
  aio::unique_descriptor ruleset{};
  std::vector<aio::unique_descriptor> pinned; ///< see confinement
};

/// `version`: of the ABI, at most the kernel's; tests use older ones. Blocks.
[[nodiscard]] result<landlock_rules> make_landlock_rules(const walls& around, int version);

/// Call in the process itself: allows it to read its own /proc directory, whose name is unknown before it
/// runs. Async-signal-safe; on false, errno has the reason.
[[nodiscard]] bool allow_own_proc(int ruleset) noexcept;

/// Likewise; enforces the rules from here on. Needs PR_SET_NO_NEW_PRIVS.
[[nodiscard]] bool enter_landlock(int ruleset) noexcept;

} // namespace kiln::process
