// SPDX-License-Identifier: Apache-2.0
//
// The directories that a job's .blend must lie below. These calls block: for the pool. They may be called
// from several threads at once.
#pragma once

#include "aio/unique_descriptor.hpp"
#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace kiln::blends {

/// Whether a file lies below one of these directories, after following all links of both paths. Blocks.
[[nodiscard]] bool is_within(const std::filesystem::path& file, std::span<const std::string> directories);

/// A directory, or a .blend (by the end of its name).
struct project_entry {
  std::string path; ///< below the roots, as a job names it
  bool is_directory = false;
  std::uint64_t bytes = 0;     ///< of a .blend
  std::int64_t changed_ms = 0; ///< of a .blend; Unix time
};

struct project_listing {
  std::vector<project_entry> entries; ///< by name; of the roots that have the directory, together
  bool has_more = false;
};

class project_roots {
public:
  /// `roots`: absolute.
  explicit project_roots(std::vector<std::filesystem::path> roots) : roots_(std::move(roots)) {}

  /// Resolves `name` to a file, absolute and without links: `name` is relative to a root (the first that has
  /// it), or the absolute path of a file below one. Links may lead from one place in a root to another.
  /// invalid_input, with the reason, if there is none, if it is elsewhere after following all links, or if it
  /// is not a regular file. `within`: unless empty, the file must also lie below one of these directories.
  [[nodiscard]] result<std::filesystem::path> find(const std::string& name,
                                                   std::span<const std::string> within = {}) const;

  /// Opens a file that find() returned earlier: invalid_input if a component has since become a link, or the
  /// root is no longer configured.
  [[nodiscard]] result<aio::unique_descriptor> open(const std::filesystem::path& found) const;

  /// The entries of a directory below the roots ("": of the roots themselves) that a job can name: up to
  /// `most` of them, from the one after the name `after` on. Names that begin with a dot, that are not UTF-8,
  /// and links that lead out of the root are left out. `within`: as above; directories that lead to those are
  /// listed too. not_found if there is no such directory.
  [[nodiscard]] result<project_listing> list(const std::string& directory, const std::string& after,
                                             std::size_t most,
                                             std::span<const std::string> within = {}) const;

private:
  std::vector<std::filesystem::path> roots_;
};

} // namespace kiln::blends
