// SPDX-License-Identifier: Apache-2.0
//
// What /proc (proc(5)) tells of processes that need not be ours. Each answer is of a moment that is past.
#pragma once

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
  std::uint64_t cpu_ticks = 0; ///< it and its children that ended: user and system
  bool is_zombie = false;
  std::uint64_t started = 0; ///< in ticks since the machine was started
};

/// Nothing when there is no such process.
[[nodiscard]] std::optional<process_facts> facts_of(pid_t pid);

/// What no other process has had or will have: its pid, when it was started, and since which start of the
/// machine. Unlike its working directory and its environment, a process cannot choose it. nullopt when there
/// is no such process.
[[nodiscard]] std::optional<std::string> identity_of(pid_t pid);

/// The process of this identity; nullopt when it runs no more.
[[nodiscard]] std::optional<pid_t> find_process(std::string_view identity);

/// Where it works; empty when that cannot be known.
[[nodiscard]] std::filesystem::path working_directory_of(pid_t pid);

/// Living processes that work in `directory` or below it. `directory` without links in it.
[[nodiscard]] std::vector<process_facts> processes_in(const std::filesystem::path& directory);

/// Living processes of a process group.
[[nodiscard]] std::vector<process_facts> members_of(pid_t group);

/// Children of a process, dead or alive, that its first thread has started or that were orphans below it.
[[nodiscard]] std::vector<pid_t> children_of(pid_t parent);

/// Whether it was started with this in its environment: "KEY=VALUE".
[[nodiscard]] bool has_variable(pid_t pid, std::string_view variable);

/// Bytes that programs can still have without swapping (MemAvailable); a large number when nobody knows.
[[nodiscard]] std::uint64_t available_memory();

/// Bytes of a process and its descendants that are in memory (resident sets; a page that two share counts
/// twice); 0 when that cannot be known.
[[nodiscard]] std::uint64_t resident_memory_of(pid_t pid);

/// CPU time of all that lives in a process group, in ticks. It falls when a member ends.
[[nodiscard]] std::uint64_t cpu_ticks_of_group(pid_t group);

} // namespace kiln::process
