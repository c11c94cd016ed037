// SPDX-License-Identifier: Apache-2.0
//
// Relations between paths by name only: links and ".." are not resolved.
#pragma once

#include <algorithm>
#include <filesystem>

namespace kiln {

/// Whether `path` is `directory` or lies in it, at any depth. Compares whole components: "/a/bc" is not in
/// "/a/b".
[[nodiscard]] inline bool is_at_or_below(const std::filesystem::path& path,
                                         const std::filesystem::path& directory) {
  return std::ranges::mismatch(directory, path).in1 == directory.end();
}

} // namespace kiln
