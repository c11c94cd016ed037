// SPDX-License-Identifier: Apache-2.0
//
// Facts from /proc (proc(5)) about any process. Each answer may already be outdated.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace kiln::process {

struct process_facts {
  pid_t pid = 0;
  pid_t group = 0;
  std::uint64_t cpu_ticks = 0; ///< the process and its ended children: user and system
  bool is_zombie = false;
  std::uint64_t started = 0; ///< ticks from boot to its start
};

/// Nullopt if there is no such process.
[[nodiscard]] std::optional<process_facts> facts_of(pid_t pid);

/// A unique identity: pid, start time and boot. Unlike its working directory and environment, a process
/// cannot choose it. Nullopt if there is no such process.
[[nodiscard]] std::optional<std::string> identity_of(pid_t pid);

/// The process of this identity; nullopt if it no longer runs.
[[nodiscard]] std::optional<pid_t> find_process(std::string_view identity);

/// Its working directory; empty if unknown.
[[nodiscard]] std::filesystem::path working_directory_of(pid_t pid);

/// Living processes with a working directory at or below `directory`, which must not contain links.
[[nodiscard]] std::vector<process_facts> processes_in(const std::filesystem::path& directory);

/// Living processes of a process group.
[[nodiscard]] std::vector<process_facts> members_of(pid_t group);

/// Children of a process, dead or alive, started by its first thread or adopted as orphans.
[[nodiscard]] std::vector<pid_t> children_of(pid_t parent);

/// Whether it was started with this variable: "KEY=VALUE".
[[nodiscard]] bool has_variable(pid_t pid, std::string_view variable);

/// Bytes available to programs without swapping (MemAvailable); a large number if unknown.
[[nodiscard]] std::uint64_t available_memory();

/// Resident bytes of a process and its descendants (shared pages count for each process); 0 if unknown.
[[nodiscard]] std::uint64_t resident_memory_of(pid_t pid);

/// What the live processes of a group hold together. Pages that they share count for each.
struct group_use {
  std::uint64_t memory = 0; ///< bytes in RAM
  std::size_t processes = 0;
  std::chrono::duration<double> cpu{}; ///< that they and their ended children have used
};

[[nodiscard]] group_use use_of_group(pid_t group);

/// CPU time of all living members of a process group, in ticks. Decreases when a member ends.
[[nodiscard]] std::uint64_t cpu_ticks_of_group(pid_t group);

} // namespace kiln::process
