// SPDX-License-Identifier: Apache-2.0
//
// A sandbox policy ("walls"): what a process may access, independent of its enforcement (confinement.hpp).
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace kiln::process {

/// The sockets a process may create. Connected local pairs (socketpair) are always allowed.
enum class sockets {
  none,
  local, ///< on this machine (AF_UNIX): for an X server
  any,
};

/// Paths are absolute. A directory includes everything below it; links in a path are followed when the policy
/// is applied. Missing paths are skipped, except in `write`.
struct walls {
  std::vector<std::filesystem::path> read = {}; ///< and executed
  std::vector<std::filesystem::path> write =
      {}; ///< and read; files may be created and removed, devices and links not
  std::vector<std::filesystem::path> devices = {}; ///< read, written and controlled
  std::vector<std::filesystem::path> hidden =
      {}; ///< files and directories below `read` that must not be read; paths of `read` and `write` below
          ///< them stay allowed
  sockets talk = sockets::none;
};

/// The mechanism that enforces the policy.
enum class mechanism {
  off,        ///< nothing
  landlock,   ///< Landlock (landlock(7)) for files, a system call filter (seccomp(2)) for the rest
  bubblewrap, ///< namespaces, by bwrap(1), and the same filter
};

[[nodiscard]] constexpr std::string_view to_string(mechanism how) noexcept {
  switch (how) {
  case mechanism::landlock:
    return "landlock";
  case mechanism::bubblewrap:
    return "bwrap";
  case mechanism::off:
    break;
  }
  return "off";
}

} // namespace kiln::process
