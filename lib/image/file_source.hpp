// SPDX-License-Identifier: Apache-2.0
//
// An open file as the source of a check.
#pragma once

#include "image/image_structure.hpp"

namespace kiln::image {

class file_source final : public image_source {
public:
  /// The caller keeps `fd`. The size is the current one.
  [[nodiscard]] static result<file_source> of(int fd);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] result<void> read(std::uint64_t offset, std::span<std::byte> into) override;

private:
  file_source(int fd, std::uint64_t size) noexcept : fd_(fd), size_(size) {}

  int fd_;
  std::uint64_t size_;
};

} // namespace kiln::image
