// SPDX-License-Identifier: Apache-2.0
//
// A system call filter (seccomp(2)) for everything that file rules do not cover: sockets, signals to and
// limits of other processes, leaving the process group, modes and owners of files, and kernel features that a
// renderer does not need.
#pragma once

#include "base/error.hpp"
#include "process/walls.hpp"

#include <vector>

#include <linux/filter.h>

namespace kiln::process {

struct filter_needs {
  sockets talk = sockets::none;
  bool signals = true;    ///< filter signals: a process can signal only itself
  bool truncation = true; ///< filter truncation of files that may only be read
};

/// A placeholder in the filter for the process's own id, unknown before it runs.
inline constexpr unsigned own_pid_placeholder = 0x7f3a51c9;

/// The program for seccomp(2). Refused calls return EPERM or EACCES. Calls too new to judge return ENOSYS, so
/// that the C library falls back to an older call: clone3, and each call numbered above the newest that both
/// Kiln's lists and the installed libseccomp cover.
[[nodiscard]] result<std::vector<sock_filter>> make_syscall_filter(const filter_needs& needs);

/// Call in the process itself, with its own copy of the filter. Async-signal-safe.
void put_own_pid(sock_filter* filter, std::size_t size) noexcept;

/// Likewise; enforces the filter from here on. Needs PR_SET_NO_NEW_PRIVS. On false, errno has the reason.
[[nodiscard]] bool enter_syscall_filter(sock_filter* filter, std::size_t size) noexcept;

} // namespace kiln::process
