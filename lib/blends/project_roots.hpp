// SPDX-License-Identifier: Apache-2.0
//
// The directories that a job's .blend must lie below. These calls block: for the pool. They may be called
// from several threads at once.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace kiln::blends {

/// Whether a file lies below one of these directories, once all links are followed on both sides. Blocks.
[[nodiscard]] bool is_within(const std::filesystem::path& file, std::span<const std::string> directories);

class project_roots {
public:
  /// `roots`: absolute.
  explicit project_roots(std::vector<std::filesystem::path> roots) : roots_(std::move(roots)) {}

  /// The file that a client means, absolute and without links: `name` is relative to a root (the first that
  /// has it), or the absolute path of a file below one. Links may lead from one place in a root to another.
  /// invalid_input, saying why, when there is none, when it lies elsewhere once all links are followed, or is
  /// no regular file. `within`: if there are any, the file lies below one of these as well.
  [[nodiscard]] result<std::filesystem::path> find(const std::string& name,
                                                   std::span<const std::string> within = {}) const;

  /// Opens what find() has found, some time later: invalid_input when something has become a link meanwhile,
  /// or the root is none any more.
  [[nodiscard]] result<aio::unique_descriptor> open(const std::filesystem::path& found) const;

private:
  std::vector<std::filesystem::path> roots_;
};

} // namespace kiln::blends
