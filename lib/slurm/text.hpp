// SPDX-License-Identifier: Apache-2.0
//
// Parses and shortens output of Slurm's commands: pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln::slurm {

/// The lines without line ends and surrounding blanks; empty ones are left out.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

/// "2026-11-24T20:28:45", as squeue prints it with TZ=UTC; nullopt for "N/A" and anything else.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_time(std::string_view text);

/// One line for a message: at most 300 bytes, printable only.
[[nodiscard]] std::string excerpt(std::string_view text);

} // namespace kiln::slurm
