// SPDX-License-Identifier: Apache-2.0
//
// What a process may touch: a description, without a word on how it is kept (confinement.hpp does that).
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace kiln::process {

/// Which sockets it may make. Pairs of connected local ones (socketpair) are always allowed.
enum class sockets {
  none,
  local, ///< of the machine (AF_UNIX): for an X server
  any,
};

/// Paths are absolute. A directory stands for all that is below it; links in a path are followed when the
/// walls are built. A path that is not there is passed over, unless it is to be written.
struct walls {
  std::vector<std::filesystem::path> read = {}; ///< and executed
  std::vector<std::filesystem::path> write =
      {}; ///< and read; files are made and removed, devices and links not
  std::vector<std::filesystem::path> devices = {}; ///< read, written and controlled
  std::vector<std::filesystem::path> hidden =
      {}; ///< files and directories below something of `read`, and not to be read all the same;
          ///< what of `read` and `write` lies below that stays allowed
  sockets talk = sockets::none;
};

/// What keeps the walls.
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
