// SPDX-License-Identifier: Apache-2.0
//
// Room on the disk that is kept for what must be possible on a full one: ending, cancelling and removing
// jobs. A file that holds nothing, and that is removed when such a change finds no room. Blocks.
#pragma once

#include <cstdint>
#include <filesystem>

namespace kiln::store {

class reserve {
public:
  explicit reserve(std::filesystem::path file) : file_(std::move(file)) {}

  /// Makes the file, unless it is there, or would take room that others need.
  void keep() noexcept;

  /// Removes it: true when there is more room now.
  [[nodiscard]] bool give() noexcept;

private:
  std::filesystem::path file_;
  bool is_kept_ = false;
};

} // namespace kiln::store
