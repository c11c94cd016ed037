// SPDX-License-Identifier: Apache-2.0
//
// The sandbox policy ("walls") for Blender: it can read the scenes and its own files, and write only to the
// workspace of its attempt. Pure: paths in, a description out.
#pragma once

#include "executor/workspace.hpp"
#include "process/walls.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::local {

/// The part that is the same for every Blender of this daemon. Paths are absolute.
struct installation {
  std::vector<std::filesystem::path> project_roots; ///< and other places of scenes
  std::filesystem::path output;
  std::filesystem::path state;
  std::vector<std::filesystem::path> also_read = {};    ///< asset libraries and the like
  std::vector<std::filesystem::path> also_write = {};   ///< caches
  std::vector<std::string> environment = {};            ///< Blender's: "KEY=VALUE"
  std::vector<std::filesystem::path> secret_files = {}; ///< unreadable wherever they are; may be missing
  bool display = false;                                 ///< Blender may connect to an X server
};

/// The policy without the parts of an attempt.
[[nodiscard]] process::walls walls_around_blender(const installation& here);

/// `common` plus the needs of one attempt: the files of its Blender, its .blend, and write access to the
/// directory of its Blender.
[[nodiscard]] process::walls walls_of_attempt(process::walls common,
                                              const std::vector<std::filesystem::path>& places_of_blender,
                                              const executor::attempt_paths& paths,
                                              const std::filesystem::path& blend);

/// For Blender's environment, so that its setup script (kiln_setup.py) can report files of a scene outside
/// the sandbox: "KILN_SANDBOX=" and a JSON object.
[[nodiscard]] std::string describe_for_script(const process::walls& around);

/// `environment` with PATH reduced to directories inside the sandbox. Blender searches PATH for a Python and
/// uses the libraries next to it. One that it can see (stat(2) is not restricted) but not read makes Blender
/// exit at startup.
[[nodiscard]] std::vector<std::string> environment_inside(const process::walls& around,
                                                          std::vector<std::string> environment);

} // namespace kiln::local
