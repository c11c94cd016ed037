// SPDX-License-Identifier: Apache-2.0
//
// What Blender may touch: it sees the scenes and what it needs itself, and writes to the workspace of its
// attempt alone. Pure: paths in, a description out.
#pragma once

#include "executor/workspace.hpp"
#include "process/walls.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kiln::local {

/// What is the same for every Blender of this daemon. Paths are absolute.
struct installation {
  std::vector<std::filesystem::path> project_roots; ///< and other places of scenes
  std::filesystem::path output;
  std::filesystem::path state;
  std::vector<std::filesystem::path> also_read = {};    ///< asset libraries and the like
  std::vector<std::filesystem::path> also_write = {};   ///< caches
  std::vector<std::string> environment = {};            ///< Blender's: "KEY=VALUE"
  std::vector<std::filesystem::path> secret_files = {}; ///< not to be read, wherever they lie; may be missing
  bool display = false;                                 ///< it may talk to an X server
};

/// The walls without what belongs to an attempt.
[[nodiscard]] process::walls walls_around_blender(const installation& here);

/// `common` and what one attempt needs: the files of its Blender, its .blend, and the directory of its
/// Blender to write to.
[[nodiscard]] process::walls walls_of_attempt(process::walls common,
                                              const std::vector<std::filesystem::path>& places_of_blender,
                                              const executor::attempt_paths& paths,
                                              const std::filesystem::path& blend);

/// For the environment of Blender, whose setup script (kiln_setup.py) says which files of a scene lie
/// outside: "KILN_SANDBOX=" and an object in JSON.
[[nodiscard]] std::string describe_for_script(const process::walls& around);

/// Of `environment`, PATH without the directories outside. Blender looks in PATH for a Python, and takes the
/// libraries beside it: one that it sees (nothing keeps stat(2) from it) and cannot read ends it at its
/// start.
[[nodiscard]] std::vector<std::string> environment_inside(const process::walls& around,
                                                          std::vector<std::string> environment);

} // namespace kiln::local
