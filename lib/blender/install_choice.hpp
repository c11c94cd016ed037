// SPDX-License-Identifier: Apache-2.0
//
// Versions of Blender and of .blend files: decides which Blender opens which file, and which one renders a
// job that names none. Pure. docs/decisions/0017 has the measurements behind the rules.
#pragma once

#include "blender/install.hpp"
#include "blender/packed_begin.hpp"
#include "domain/failure.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kiln::blender {

/// "Blender 3.4.1" and "3.4" are 304, "Blender 2.83.5" is 283, "Blender 5.3.0 Beta" is 503: the notation of a
/// .blend. Nullopt for any other text.
[[nodiscard]] std::optional<int> parse_file_version(std::string_view text);

/// 304 is "3.4", 283 is "2.83".
[[nodiscard]] std::string format_version(int version);

/// "Blender 4.3.2" without the word: "4.3.2".
[[nodiscard]] std::string_view bare_version(const install& of);

/// The result of opening a file with a Blender.
enum class opening {
  whole,   ///< the Blender is as new as the file, or the file does not name its writer
  lossy,   ///< the file is newer: Blender warns, and data unknown to it is lost
  refused, ///< Blender exits or crashes before any script runs
};

/// `version`: of the Blender, as parse_file_version() gives it.
[[nodiscard]] opening opens(int version, const blend_facts& file);

/// The Blender of a job.
struct choice {
  std::string blender; ///< its name; empty: the only one
  std::string reason;  ///< why that one, for people; empty if the job named it, or there is only one
  std::string warning; ///< what may be lost; empty: nothing

  friend bool operator==(const choice&, const choice&) = default;
};

/// Selects the install for a job that asks for `asked` (empty: any). `installs`: at least one, the default
/// first. A job that names none gets the default; if the file is newer than that, the oldest that is new
/// enough; if there is none, the newest that opens it. Installs with something wrong are skipped. `blend`:
/// the file's name for messages. Failures: blender_missing (no such install, or something is wrong with it),
/// blend_unreadable (it does not open the file, or none does).
[[nodiscard]] std::variant<choice, domain::failure> choose_blender(const std::vector<install>& installs,
                                                                   std::string_view asked,
                                                                   const blend_facts& file,
                                                                   std::string_view blend);

} // namespace kiln::blender
