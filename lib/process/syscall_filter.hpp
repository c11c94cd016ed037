// SPDX-License-Identifier: Apache-2.0
//
// What rules on files do not reach, by a system call filter (seccomp(2)): sockets, signals and limits of
// other processes, leaving the process group, modes and owners of files, and those parts of the kernel that a
// renderer has no use for.
#pragma once

#include "base/error.hpp"
#include "process/walls.hpp"

#include <vector>

#include <linux/filter.h>

namespace kiln::process {

struct filter_needs {
  sockets talk = sockets::none;
  bool signals =
      true; ///< nothing else keeps signals within the walls: only a process itself can be signalled
  bool truncation = true; ///< nothing else keeps files that may only be read from being cut short
};

/// A place in the filter that stands for the process's own id, which nobody knows before it lives.
inline constexpr unsigned own_pid_placeholder = 0x7f3a51c9;

/// The program for seccomp(2). Calls that are refused give EPERM or EACCES; what is too new to be judged
/// gives ENOSYS, so that the C library does it the older way: clone3, and each call whose number is above the
/// newest that both Kiln's lists and the installed libseccomp cover.
[[nodiscard]] result<std::vector<sock_filter>> make_syscall_filter(const filter_needs& needs);

/// To be called in the process itself, with a filter of its own: async-signal-safe.
void put_own_pid(sock_filter* filter, std::size_t size) noexcept;

/// The same; from here on the filter holds. Needs PR_SET_NO_NEW_PRIVS. errno says why it is false.
[[nodiscard]] bool enter_syscall_filter(sock_filter* filter, std::size_t size) noexcept;

} // namespace kiln::process
