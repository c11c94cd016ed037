// SPDX-License-Identifier: Apache-2.0
//
// Walls as arguments of bwrap(1), which runs a program in namespaces of its own: pure.
#pragma once

#include "process/walls.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::process {

/// argv of bwrap, with argv[0], up to the program that it is to run. What `around` hides are directories;
/// `hidden_files` are covered by a device that cannot be opened. `keeps_files`: a process of root goes on
/// passing over the modes of files. The filter is descriptor 3.
[[nodiscard]] std::vector<std::string> format_wrapper(const std::filesystem::path& bwrap, const walls& around,
                                                      const std::vector<std::filesystem::path>& hidden_files,
                                                      bool keeps_files);

/// What a status of bwrap says of the program's end: 128 + N is signal N. 0: it was no signal.
[[nodiscard]] int signal_of_status(int status) noexcept;

} // namespace kiln::process
