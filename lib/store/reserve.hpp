// SPDX-License-Identifier: Apache-2.0
//
// Disk space reserved for operations that must work on a full disk: ending, cancelling and removing jobs. A
// file without content, removed when such a change finds no space. Blocks.
#pragma once

#include <cstdint>
#include <filesystem>

namespace kiln::store {

class reserve {
public:
  explicit reserve(std::filesystem::path file) : file_(std::move(file)) {}

  /// Creates the file, unless it exists or would take space needed by others.
  void keep() noexcept;

  /// Removes the file; returns true if that freed space.
  [[nodiscard]] bool give() noexcept;

private:
  std::filesystem::path file_;
  bool is_kept_ = false;
};

} // namespace kiln::store
