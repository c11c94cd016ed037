// SPDX-License-Identifier: Apache-2.0
//
// A sandbox policy ("walls") as arguments of bwrap(1), which runs a program in separate namespaces: pure.
#pragma once

#include "process/walls.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::process {

/// argv of bwrap, including argv[0], up to the program to run. `around` hides directories; `hidden_files` are
/// covered by a device that cannot be opened. `keeps_files`: a root process keeps bypassing file modes. The
/// filter is descriptor 3.
[[nodiscard]] std::vector<std::string> format_wrapper(const std::filesystem::path& bwrap, const walls& around,
                                                      const std::vector<std::filesystem::path>& hidden_files,
                                                      bool keeps_files);

/// The signal that ended the program, from bwrap's exit status 128 + N; 0 if it was no signal.
[[nodiscard]] int signal_of_status(int status) noexcept;

} // namespace kiln::process
