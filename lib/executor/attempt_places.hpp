// SPDX-License-Identifier: Apache-2.0
//
// Trusted facts about attempts for use after a restart, kept in entries below STATE/attempts and
// STATE/processes, where no Blender can write: the session directory in which an attempt renders, and the
// process that works in a directory. Names in the output prove nothing, since code of a scene can create any
// name in the directory of its session; nor do the working directory and the environment of a process, which
// the process can change. Blocks.
#pragma once

#include "base/error.hpp"
#include "base/ids.hpp"

#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace kiln::executor {

/// Prefix of the names of session directories: OUTPUT/.kiln/session-….
inline constexpr std::string_view session_directory_prefix = "session-";

/// STATE/attempts/JOB-N
[[nodiscard]] std::filesystem::path place_entry(const attempt_id& id, const std::filesystem::path& state);

/// Replaces the content of the entry. `session`: the name of a directory in OUTPUT/.kiln. The entry survives
/// the end of kilnd, but not a loss of power, which no Blender survives either.
[[nodiscard]] result<void> keep_session(const std::filesystem::path& entry, const std::string& session);

/// The stored name; nullopt for an attempt with a directory of its own.
[[nodiscard]] std::optional<std::string> kept_session(const std::filesystem::path& entry);

/// STATE/processes/DIRECTORY, for a `directory` in OUTPUT/.kiln.
[[nodiscard]] std::filesystem::path process_entry(const std::filesystem::path& directory,
                                                  const std::filesystem::path& state);

/// Replaces the content of the entry. `identity`: see process::identity_of().
[[nodiscard]] result<void> keep_process(const std::filesystem::path& entry, const std::string& identity);

[[nodiscard]] std::optional<std::string> kept_process(const std::filesystem::path& entry);

/// Removes the entries of all attempts but these.
void forget_other_places(const std::set<attempt_id>& kept, const std::filesystem::path& state) noexcept;

} // namespace kiln::executor
