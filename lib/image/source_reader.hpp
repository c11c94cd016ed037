// SPDX-License-Identifier: Apache-2.0
//
// Reads an image_source sequentially through a buffer of 64 KiB. Internal to this directory.
#pragma once

#include "image/image_structure.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string_view>
#include <vector>

namespace kiln::image {

class source_reader {
public:
  explicit source_reader(image_source& file) : file_(file), buffer_(buffer_size) {}

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t left() const noexcept { return file_.size() - offset_; }

  /// The next bytes, at most `wanted` and at most the rest of the buffer; none only if the file ends or
  /// cannot be read. Valid until the next call.
  [[nodiscard]] std::span<const std::byte> next(std::uint64_t wanted) {
    if (left() == 0 || wanted == 0)
      return {};
    if (offset_ < begin_ || offset_ >= begin_ + filled_)
      fill();
    const auto at = static_cast<std::size_t>(offset_ - begin_);
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, filled_ - at));
    offset_ += size;
    return std::span{buffer_}.subspan(at, size);
  }

  /// Nullopt at the end of the file.
  [[nodiscard]] std::optional<unsigned char> byte() {
    const auto got = next(1);
    return got.empty() ? std::nullopt : std::optional{std::to_integer<unsigned char>(got[0])};
  }

  enum class order { big, little };
  /// A number of `bytes` bytes (at most 8); nullopt if the file ends within it.
  [[nodiscard]] std::optional<std::uint64_t> number(int bytes, order endian) {
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) {
      const auto b = byte();
      if (!b)
        return std::nullopt;
      value = endian == order::big ? value << 8 | *b : value | std::uint64_t{*b} << (8 * i);
    }
    return value;
  }

  /// Returns false if the file ends before.
  [[nodiscard]] bool skip(std::uint64_t bytes) {
    if (bytes > left())
      return false;
    offset_ += bytes;
    return true;
  }

  /// Returns false if the file is shorter.
  [[nodiscard]] bool go_to(std::uint64_t offset) {
    if (offset > file_.size())
      return false;
    offset_ = offset;
    return true;
  }

  /// Why reading stopped, unless the file ended.
  [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }

private:
  static constexpr std::size_t buffer_size = 64 * 1024;

  void fill() {
    begin_ = offset_;
    filled_ = static_cast<std::size_t>(std::min<std::uint64_t>(left(), buffer_.size()));
    if (auto got = file_.read(begin_, std::span{buffer_}.first(filled_)); !got) {
      failure_ = got.error();
      filled_ = 0;
    }
  }

  image_source& file_;
  std::vector<std::byte> buffer_;
  std::uint64_t offset_ = 0;
  std::uint64_t begin_ = 0; ///< offset of the buffer's content
  std::size_t filled_ = 0;
  std::optional<error> failure_;
};

/// corrupt, with the position, or the error of reading the file.
[[nodiscard]] inline error broken(const source_reader& in, std::string_view what) {
  if (in.failure())
    return *in.failure();
  return {errc::corrupt, std::string{what} + " (byte " + std::to_string(in.offset()) + ")"};
}

} // namespace kiln::image
