// SPDX-License-Identifier: Apache-2.0
//
// The answers of Blenders to kilnd's questions, kept in STATE: a kilnd that is started for a single job need
// not ask a Blender again that has not changed. See docs/decisions/0022-command.md.
#pragma once

#include "app/bounded_runs.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace kiln::app {

class probe_memory {
public:
  /// Reads the file. One that is missing or not understood is empty. Blocks.
  explicit probe_memory(std::filesystem::path file);

  /// A run that ended well. Nullopt: not known.
  [[nodiscard]] std::optional<bounded_run> find(const std::string& key) const;

  /// Keeps the run, on disk too. If it cannot be written, the question is asked again next time. Blocks.
  void keep(const std::string& key, const bounded_run& run);

  /// What a run depends on as one text: the program (path, and `identity` of its file), what it is told, its
  /// sandbox, kilnd's version, the kernel, and the libraries of the system. Blocks.
  [[nodiscard]] static std::string key_of(const process::launch_request& what, std::string_view identity,
                                          std::string_view sandbox);

private:
  struct answer {
    pid_t pid;
    std::string printed, directory;
  };

  std::filesystem::path file_;
  std::map<std::string, answer> known_;
};

} // namespace kiln::app
