// SPDX-License-Identifier: Apache-2.0
//
// A smaller picture of an image, made while the image is decoded: rows are added as they come, in any order,
// and only the sums of its pixels are kept. Each pixel is the mean of the pixels that it covers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kiln::decoder {

/// The pixels of a row in memory: each sample of a byte, or the upper byte of a larger one.
struct byte_row {
  const std::uint8_t* first = nullptr; ///< the first sample that counts
  int channels = 0;                    ///< 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA; those beyond are ignored
  std::size_t pixel = 0;               ///< bytes from one pixel to the next
  std::size_t sample = 1;              ///< bytes from one sample of a pixel to the next
  bool is_associated = false;          ///< colours are multiplied by alpha
};

class picture {
public:
  /// `longest`: of its sides, in pixels; an image that is smaller keeps its size. 0: no picture at all.
  explicit picture(int longest) : longest_(longest) {}
  /// Of this size, whatever the shape of the image; of the image's own width or height if that is less.
  picture(int width, int height) : longest_(width), fixed_height_(height) {}

  /// The size of the image, before any row. `is_linear`: rows are of floats, linear and with associated
  /// alpha.
  void begin(std::uint64_t width, std::uint64_t height, bool is_linear);
  /// Whether begin() was called, and a picture is wanted.
  [[nodiscard]] bool is_begun() const noexcept { return width_ > 0; }
  [[nodiscard]] bool is_wanted() const noexcept { return longest_ > 0; }
  [[nodiscard]] bool is_linear() const noexcept { return is_linear_; }

  /// Whether the row counts: of rows that become one, a part is enough.
  [[nodiscard]] bool takes(std::int64_t y) const noexcept;
  /// `count` pixels from `x` on, `step` apart. What lies outside of the image is ignored.
  void add(std::int64_t y, std::int64_t x, std::int64_t step, std::int64_t count,
           const byte_row& row) noexcept;
  /// RGBA; NaN counts as 0, and infinity as 65504.
  void add(std::int64_t y, std::int64_t x, std::int64_t count, const float* rgba) noexcept;

  [[nodiscard]] int width() const noexcept { return static_cast<int>(width_); }
  [[nodiscard]] int height() const noexcept { return static_cast<int>(height_); }
  [[nodiscard]] int image_width() const noexcept { return static_cast<int>(image_width_); }
  [[nodiscard]] int image_height() const noexcept { return static_cast<int>(image_height_); }

  /// RGBA of all pixels. Linear: with associated alpha. Otherwise straight, from 0 to 1.
  [[nodiscard]] std::vector<float> means() const;
  /// The pixels of the image themselves, RGBA of 8 bits, straight: of one that has bytes, and keeps its size.
  /// Empty for all others.
  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const noexcept { return bytes_; }

private:
  void keep_bytes(std::int64_t y, std::int64_t x, std::int64_t step, std::int64_t count,
                  const byte_row& row) noexcept;
  template<class Row>
  void add_run(std::int64_t y, std::int64_t x, std::int64_t count, const Row& row) noexcept;
  [[nodiscard]] std::size_t column_of(std::int64_t x) const noexcept;
  [[nodiscard]] std::size_t line_of(std::int64_t y) const noexcept;
  [[nodiscard]] std::int64_t first_row(std::int64_t line) const noexcept;

  int longest_;          ///< or the width, if there is a fixed height
  int fixed_height_ = 0; ///< 0: none
  bool is_linear_ = false;
  std::int64_t width_ = 0, height_ = 0; ///< of the picture
  std::int64_t image_width_ = 0, image_height_ = 0;
  std::vector<std::int64_t>
      first_column_;          ///< of the image, for each column of the picture and behind the last
  std::int64_t row_step_ = 1; ///< between rows that count
  std::vector<float> sums_;
  std::vector<std::uint8_t> bytes_; ///< instead of sums
};

} // namespace kiln::decoder
